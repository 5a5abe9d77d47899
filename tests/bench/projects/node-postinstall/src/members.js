const knex = require('knex');

const database = () => knex({ client: 'pg', connection: process.env.DATABASE_URL });

async function membersOf(group) {
  const db = database();
  const members = await db('members').where({ group, subscribed: true }).select('id', 'name', 'email');
  const posts = await db('posts').whereIn('member_id', members.map((member) => member.id));
  return members.map((member) => ({ ...member, posts: posts.filter((post) => post.member_id === member.id) }));
}

module.exports = { membersOf };
