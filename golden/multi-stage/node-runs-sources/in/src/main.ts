import { PrismaClient } from "@prisma/client";

await new PrismaClient().watch.count();
