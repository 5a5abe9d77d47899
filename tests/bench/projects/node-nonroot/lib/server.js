import Fastify from 'fastify';

export function createServer(readings) {
  const app = Fastify({ logger: { transport: { target: 'pino-pretty' } } });
  app.get('/gauges/:name', (request) => readings.of(request.params.name));
  app.get('/version', () => ({ build: process.env.BUILD_NUMBER, date: process.env.BUILD_DATE }));
  return app;
}
