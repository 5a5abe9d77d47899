const assert = require('node:assert');
const test = require('node:test');

const request = require('supertest');

const { createApp } = require('../src/app');
const { MemoryStore } = require('../src/store');

test('a parcel has the status of its last event', async () => {
  const app = createApp(new MemoryStore());
  await request(app).post('/parcels/P1/events').send({ status: 'collected', place: 'Ulm' }).expect(201);
  const { body } = await request(app).get('/parcels/P1').expect(200);
  assert.strictEqual(body.status, 'collected');
});
