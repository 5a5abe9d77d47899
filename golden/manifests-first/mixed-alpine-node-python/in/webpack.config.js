module.exports = {entry: "./assets/main.js"};
