declare const require: any, __dirname: string;
const ms = require("ms");
const { readFileSync } = require("fs");
const { join } = require("path");

require("http")
  .createServer((_: unknown, response: any) => response.end(readFileSync(join(__dirname, "../views/hello.html"), "utf8") + ms("2 days")))
  .listen(3000);
