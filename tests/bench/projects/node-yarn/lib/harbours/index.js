'use strict';

module.exports = ['Port Ellen', 'Kennacraig', 'Colonsay'];
