const { readFileSync } = require("fs");

module.exports = require("http").createServer((_, response) => {
  response.end(readFileSync("views/index.html", "utf8") + require("ms")("2 days"));
});
