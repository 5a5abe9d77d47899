import { price } from '@fares/pricing';
import Fastify from 'fastify';

const app = Fastify({ logger: true });

app.get('/health', async () => ({ status: 'ok', commit: process.env.GIT_SHA }));

app.get<{ Querystring: { zones: string; reduced?: string } }>('/fare', async (request, reply) => {
  const zones = Number(request.query.zones);
  if (!Number.isInteger(zones) || zones < 1) {
    return reply.code(400).send({ error: 'zones is a whole number above 0' });
  }
  return { fare: price({ zones, at: new Date(), reduced: request.query.reduced === '1' }) };
});

app.listen({ host: '0.0.0.0', port: Number(process.env.PORT ?? 3000) }).catch((error: unknown) => {
  app.log.error(error);
  process.exit(1);
});
