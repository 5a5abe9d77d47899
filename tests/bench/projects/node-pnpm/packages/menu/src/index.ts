import { z } from 'zod';

/** What can be ordered, and its price in cents. */
export const MENU: Record<string, number> = { espresso: 220, cappuccino: 340, tea: 260 };

export const Order = z.object({ items: z.array(z.string()).min(1) });

/** The price of an order in cents; undefined if something is not on the menu. */
export function price(items: readonly string[]): number | undefined {
  const prices = items.map((item) => MENU[item]);
  return prices.includes(undefined as never) ? undefined : prices.reduce((sum, each) => sum + each, 0);
}
