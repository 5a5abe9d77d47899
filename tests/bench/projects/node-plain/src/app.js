const compression = require('compression');
const cors = require('cors');
const express = require('express');
const helmet = require('helmet');
const morgan = require('morgan');

const health = require('./routes/health');
const parcels = require('./routes/parcels');

function createApp(store) {
  const app = express();
  app.use(helmet());
  app.use(cors());
  app.use(compression());
  if (process.env.NODE_ENV !== 'test') {
    app.use(morgan('combined'));
  }
  app.use(express.json({ limit: '100kb' }));
  app.use('/health', health());
  app.use('/parcels', parcels(store));
  app.use((request, response) => response.status(404).json({ error: 'not found' }));
  return app;
}

module.exports = { createApp };
