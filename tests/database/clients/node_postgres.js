// node-postgres: simple and prepared queries, a transaction, an error, a notification. Prints what it received.
const { Client, Pool } = require('pg')

const login = { host: '127.0.0.1', port: Number(process.argv[2]), user: 'person_ada', password: 'person_ada', database: 'demo' }

async function main() {
  const client = new Client(login)
  await client.connect()
  console.log((await client.query('SELECT id, email, balance FROM users ORDER BY id LIMIT 3')).rows)
  console.log((await client.query('SELECT email FROM users WHERE id = $1', [2])).rows)
  for (const id of [3, 4]) {
    console.log((await client.query({ name: 'by-id', text: 'SELECT email FROM users WHERE id = $1', values: [id] })).rows)
  }
  await client.query('BEGIN')
  await client.query('INSERT INTO journal (line) VALUES ($1)', ['lost'])
  try {
    await client.query('SELECT nope')
  } catch (error) {
    console.log(error.code, error.message, error.position)
  }
  await client.query('ROLLBACK')
  const heard = new Promise((resolve) => client.once('notification', resolve))
  await client.query("LISTEN ch; NOTIFY ch, 'hello'")
  console.log((await heard).payload)
  await client.end()
  const pool = new Pool({ ...login, max: 1 })
  console.log((await pool.query('SELECT count(*) FROM orders')).rows)
  await pool.end()
}

main().catch((error) => { console.error(error); process.exit(1) })
