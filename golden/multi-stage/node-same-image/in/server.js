const http = require("http"); http.createServer((_, r) => r.end("ok")).listen(80);
