const { Router } = require('express');

const { version } = require('../../package.json');

module.exports = () => {
  const router = Router();
  router.get('/', (request, response) => response.json({ status: 'ok', version, commit: process.env.GIT_SHA }));
  return router;
};
