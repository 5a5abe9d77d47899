import fastify from 'fastify';
import { next } from './timetable';

const server = fastify();

server.get<{ Params: { harbour: string } }>('/next/:harbour', async (request, reply) => {
  const leaves = next(request.params.harbour, new Date());
  return leaves ? { leaves } : reply.code(404).send({ error: 'no such harbour' });
});

if (require.main === module) {
  server.listen({ port: 3000, host: '0.0.0.0' });
}
