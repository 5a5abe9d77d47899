require('dotenv').config();

const { createApp } = require('./app');
const { MemoryStore } = require('./store');

const port = Number(process.env.PORT || 3000);
createApp(new MemoryStore()).listen(port, () => console.log(`parcels-api listens on ${port}`));
