const { PrismaClient } = require("../generated/client");

new PrismaClient().watch.count();
