#!/usr/bin/env node
import { readFile } from 'node:fs/promises';

import { program } from 'commander';
import { parse } from 'yaml';

import { collect } from '../lib/collect.js';
import { Readings } from '../lib/readings.js';
import { createServer } from '../lib/server.js';

program
  .option('--config <file>', 'the gauges', 'config/gauges.yaml')
  .option('--data <file>', 'where readings are kept', 'data/readings.jsonl')
  .action(async ({ config, data }) => {
    const { gauges, every } = parse(await readFile(config, 'utf8'));
    const readings = new Readings(data);
    const app = createServer(readings);
    setInterval(() => collect(gauges, readings, app.log), every * 1000);
    await app.listen({ host: '0.0.0.0', port: Number(process.env.PORT ?? 8080) });
  });

await program.parseAsync();
