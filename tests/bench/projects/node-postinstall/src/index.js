require('dotenv').config();

const cron = require('node-cron');
const pino = require('pino');

const { membersOf } = require('./members');
const { compose } = require('./compose');
const { createMailer } = require('./mailer');

const log = pino({ name: 'digest-mailer' });
const WEEKLY = process.env.SCHEDULE || '0 7 * * MON';

async function sendDigests(now = new Date()) {
  const mailer = createMailer();
  for (const member of await membersOf(process.env.GROUP || 'all')) {
    try {
      await mailer.sendMail(compose(member, now));
      log.info({ member: member.id }, 'digest sent');
    } catch (error) {
      log.error({ member: member.id, error: error.message }, 'digest not sent');
    }
  }
}

cron.schedule(WEEKLY, () => sendDigests(), { timezone: process.env.TZ || 'Europe/Berlin' });
log.info({ schedule: WEEKLY }, 'waiting');
