const fs = require('node:fs');
const path = require('node:path');

const dayjs = require('dayjs');
const Handlebars = require('handlebars');
const { convert } = require('html-to-text');

const template = Handlebars.compile(fs.readFileSync(path.join(__dirname, '../templates/digest.hbs'), 'utf8'));

Handlebars.registerHelper('day', (date) => dayjs(date).format('dddd, D MMMM'));

function compose(member, now) {
  const since = dayjs(now).subtract(7, 'day');
  const posts = member.posts.filter((post) => dayjs(post.at).isAfter(since));
  const html = template({ member, posts, since: since.toDate() });
  return { to: member.email, subject: `${posts.length} posts this week`, html, text: convert(html) };
}

module.exports = { compose };
