import { MENU, Order, price } from '@kiosk/menu';
import express from 'express';
import pino from 'pino';

const log = pino();
const app = express();
app.use(express.json());

app.get('/menu', (request, response) => response.json(MENU));

app.post('/orders', (request, response) => {
  const order = Order.safeParse(request.body);
  const cents = order.success ? price(order.data.items) : undefined;
  if (cents === undefined) {
    response.status(400).json({ error: 'not on the menu' });
    return;
  }
  log.info({ cents }, 'ordered');
  response.status(201).json({ cents });
});

app.listen(3000, () => log.info('open'));
