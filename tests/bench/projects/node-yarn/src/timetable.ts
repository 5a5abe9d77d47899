import dayjs from 'dayjs';

const harbours: string[] = require('local-harbours');
const HOURS = [7, 11, 15, 18];

/** When the next ferry leaves a harbour, as HH:mm; undefined for one that has none. */
export function next(harbour: string, now: Date): string | undefined {
  if (!harbours.includes(harbour)) {
    return undefined;
  }
  const hour = HOURS.find((each) => each > now.getHours()) ?? HOURS[0];
  return dayjs(now).hour(hour).minute(0).format('HH:mm');
}
