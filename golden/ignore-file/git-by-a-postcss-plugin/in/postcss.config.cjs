module.exports = { plugins: { "postcss-revision": {} } }
