module.exports = { distDir: "out" };
