const versions = require('./versions.json');
module.exports = {};
