/** The least that could do it: bare Fastify on libsql, as durable as the server. Lives in the working folder. */
import { randomUUID } from 'node:crypto'
import { fastify } from 'fastify'
import Database from 'libsql'
import { answerQuestions } from './questions.js'

/** As those of `@plugboard/store-sqlite`. */
const PRAGMAS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA cache_size = -32768;
  PRAGMA journal_size_limit = 67108864;
`

const SCHEMA = `
  CREATE TABLE posts (n INTEGER PRIMARY KEY, id TEXT NOT NULL, at INTEGER NOT NULL, payload TEXT NOT NULL) STRICT;
  CREATE TABLE messages (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL, conversation TEXT NOT NULL, author TEXT, at INTEGER NOT NULL,
    payload TEXT NOT NULL
  ) STRICT;
  CREATE INDEX messages_of_conversation ON messages (conversation, n);
`

const db = new Database('floor.db')
db.exec(PRAGMAS)
db.exec(SCHEMA)
const insert = db.prepare('INSERT INTO posts (id, at, payload) VALUES (?, ?, ?)')
const select = db.prepare(
  'SELECT id, conversation, author, at, payload FROM messages WHERE conversation = ? ORDER BY n DESC LIMIT 20',
)

let waiting: { row: [string, number, string]; written(): void }[] = []

/** Group commit: all that waits at the end of this turn of the loop becomes one transaction. */
function write(row: [string, number, string]): Promise<void> {
  return new Promise((written) => {
    if (waiting.length === 0) setImmediate(commit)
    waiting.push({ row, written })
  })
}

function commit(): void {
  const batch = waiting
  waiting = []
  db.exec('BEGIN IMMEDIATE')
  for (const { row } of batch) insert.run(row)
  db.exec('COMMIT')
  for (const { written } of batch) written()
}

const app = fastify({ logger: false })

app.post<{ Body: { payload?: object } }>('/*', async ({ body }, reply) => {
  const { payload = body } = body
  const [id, at] = [randomUUID(), Date.now()]
  await write([id, at, JSON.stringify(payload)])
  return reply.code(201).send({ id, at, payload })
})

app.get<{ Params: { conversation: string } }>('/list/:conversation', async ({ params }) =>
  select.all([params.conversation]),
)

interface ToFill {
  conversations: readonly string[]
  messages: number
  payload: string
}

/** Makes messages to list. */
function fill({ conversations, messages, payload }: ToFill): void {
  const add = db.prepare(
    'INSERT INTO messages (id, conversation, author, at, payload) VALUES (?, ?, ?, ?, ?)',
  )
  db.exec('BEGIN')
  for (let i = 0; i < messages; i += 1)
    for (const conversation of conversations)
      add.run([randomUUID(), conversation, randomUUID(), Date.now(), payload])
  db.exec('COMMIT')
}

answerQuestions({ fill })
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
