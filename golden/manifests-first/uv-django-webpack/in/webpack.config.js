module.exports = { entry: "./front/index.js" };
