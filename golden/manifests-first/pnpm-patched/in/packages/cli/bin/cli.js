#!/usr/bin/env node
console.log(require("core")("2 days"));
