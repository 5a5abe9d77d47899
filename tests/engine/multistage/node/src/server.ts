// A timetable: a page made from a template and a file of data.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import Mustache from 'mustache';

const root = join(__dirname, '..');
const page = readFileSync(join(root, 'views', 'index.mustache'), 'utf8');
const trains: { to: string; at: string }[] = JSON.parse(readFileSync(join(root, 'views', 'trains.json'), 'utf8'));

const server = createServer((request, response) => {
  if (request.url === '/health') {
    response.end('ok\n');
  } else if (request.url === '/trains') {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(trains));
  } else if (request.url === '/mode') {
    response.end(`${process.env.NODE_ENV} ${process.env.STATION} ${process.cwd()}\n`);
  } else if (request.url === '/') {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(Mustache.render(page, { station: process.env.STATION, trains }));
  } else {
    response.statusCode = 404;
    response.end('no such page\n');
  }
});
server.listen(8080);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
