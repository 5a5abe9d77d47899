import { request } from 'undici';

/** Ask every gauge for its level, and keep what answers. */
export async function collect(gauges, readings, log) {
  for (const { name, url } of gauges) {
    try {
      const { body } = await request(url, { headersTimeout: 5000 });
      const { level } = await body.json();
      await readings.add({ gauge: name, centimetres: level, at: new Date().toISOString() });
    } catch (error) {
      log.warn({ gauge: name, error: error.message }, 'no reading');
    }
  }
}
