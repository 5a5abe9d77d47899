const { Router } = require('express');
const { z } = require('zod');

const Event = z.object({
  status: z.enum(['announced', 'collected', 'in transit', 'delivered']),
  place: z.string().min(1),
  at: z.string().datetime().optional(),
});

module.exports = (store) => {
  const router = Router();
  router.get('/:number', (request, response) => {
    const parcel = store.find(request.params.number);
    return parcel ? response.json(parcel) : response.status(404).json({ error: 'no such parcel' });
  });
  router.post('/:number/events', (request, response) => {
    const event = Event.safeParse(request.body);
    if (!event.success) {
      return response.status(422).json({ error: event.error.issues });
    }
    store.add(request.params.number, event.data);
    return response.status(201).end();
  });
  return router;
};
