import { appendFile, readFile } from 'node:fs/promises';

import Ajv from 'ajv';

const validate = new Ajv().compile({
  type: 'object',
  properties: {
    gauge: { type: 'string', minLength: 1 },
    centimetres: { type: 'number' },
    at: { type: 'string' },
  },
  required: ['gauge', 'centimetres', 'at'],
  additionalProperties: false,
});

/** The readings, one JSON object a line. */
export class Readings {
  constructor(file) {
    this.file = file;
  }

  async add(reading) {
    if (!validate(reading)) {
      throw new TypeError(validate.errors.map(({ instancePath, message }) => `${instancePath} ${message}`).join(', '));
    }
    await appendFile(this.file, `${JSON.stringify(reading)}\n`);
  }

  async of(gauge) {
    const text = await readFile(this.file, 'utf8').catch(() => '');
    const all = text.split('\n').filter(Boolean).map((line) => JSON.parse(line));
    return all.filter((reading) => reading.gauge === gauge);
  }
}
