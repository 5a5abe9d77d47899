import { getHours, isWeekend } from 'date-fns';
import { Decimal } from 'decimal.js';

export interface Ride {
  zones: number;
  at: Date;
  reduced: boolean;
}

const BASE = new Decimal('1.80');
const ZONE = new Decimal('0.65');
const EVENING = 19;

/** What a ride costs, in euros. */
export function price(ride: Ride): string {
  let fare = BASE.plus(ZONE.times(ride.zones));
  if (isWeekend(ride.at) || getHours(ride.at) >= EVENING) {
    fare = fare.times('0.9');
  }
  return (ride.reduced ? fare.div(2) : fare).toFixed(2);
}
