import { createHash, randomBytes } from 'node:crypto'
import { copyFile, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Author, type Id, newId, toUuid } from '@plugboard/core'
import type { Store } from '@plugboard/hub'
import { sqliteStore } from '@plugboard/store-sqlite'
import Database from 'libsql'
import { credentials, PAYLOAD } from './client.js'
import type { Plan } from './plan.js'
import { temporaryFolder } from './processes/children.js'
import { databaseIn } from './processes/server.js'

/** A store with much in it, ready for a server. */
export interface SeededWorld {
  /** A copy, to be written to. */
  folder: string
  env: Readonly<Record<string, string>>
  conversations: readonly SeededConversation[]
}

export interface SeededConversation {
  headers: Readonly<Record<string, string>>
  conversationId: string
  userId: string
}

export interface Size {
  clients: number
  conversations: number
  messages: number
  /** Messages with a delivery that was given up. Default: none. */
  dead?: number
}

const WORLD = 'world.json'
const PREFIX = 'plugboard-bench-seed-'
const AT_ONCE = 5000
/** Messages of one conversation in a row. */
const BURST = 10

/** Fills a store through its own port; what was made once lies in the system's temporary folder for the next run. */
export async function seededWorld(plan: Plan, size: Size): Promise<SeededWorld> {
  const cache = join(tmpdir(), `${PREFIX}${await fingerprint(size)}`)
  const known = await readFile(join(cache, WORLD), 'utf8').catch(() => undefined)
  if (known === undefined) {
    plan.say(`making a store with ${size.messages} messages; it is kept in ${cache}`)
    await removeOthers(size)
    await make(cache, size)
  }
  const folder = await temporaryFolder()
  await copyFile(databaseIn(cache), databaseIn(folder))
  for (const file of [cache, folder]) await flush(databaseIn(file))
  const world = JSON.parse(await readFile(join(cache, WORLD), 'utf8')) as Omit<SeededWorld, 'folder'>
  return { folder, ...world }
}

/** A disk that is still busy with hundreds of megabytes would make the server's own commits wait for many seconds. */
async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** Changes with the schema, so that a store of an older one is not taken. */
async function fingerprint(size: Size): Promise<string> {
  const file = databaseIn(await temporaryFolder())
  await (await sqliteStore({ path: file })).close()
  const db = new Database(file)
  const schema = JSON.stringify(db.prepare('SELECT sql FROM sqlite_master ORDER BY name').all([]))
  db.close()
  return `${createHash('sha256').update(schema).digest('hex').slice(0, 12)}-${nameOf(size)}`
}

const nameOf = ({ clients, conversations, messages, dead = 0 }: Size): string =>
  [clients, conversations, messages, dead].join('-')

/** Stores of the same size with another schema. */
async function removeOthers(size: Size): Promise<void> {
  const names = await readdir(tmpdir())
  const others = names.filter((name) => name.startsWith(PREFIX) && name.endsWith(`-${nameOf(size)}`))
  await Promise.all(others.map((name) => rm(join(tmpdir(), name), { recursive: true, force: true })))
}

/** Whole or not at all: it gets its name when it is complete. */
async function make(cache: string, size: Size): Promise<void> {
  const draft = await temporaryFolder()
  const store = await sqliteStore({ path: databaseIn(draft), cacheSize: 4 * size.conversations })
  const conversations = await makeConversations(store, size)
  await makeMessages(store, conversations, size.messages)
  await makeDead(store, conversations, size.dead ?? 0)
  await store.close()
  await rm(`${databaseIn(draft)}-lock`, { force: true })
  const world: Omit<SeededWorld, 'folder'> = {
    env: { ENCRYPTION_KEY: randomBytes(32).toString('base64') },
    conversations: conversations.map(({ headers, conversationId, userId }) => ({
      headers,
      conversationId: toUuid(conversationId),
      userId: toUuid(userId),
    })),
  }
  await writeFile(join(draft, WORLD), JSON.stringify(world))
  await mkdir(tmpdir(), { recursive: true })
  await rename(draft, cache)
}

interface Made {
  clientId: Id
  conversationId: Id
  userId: Id
  headers: Readonly<Record<string, string>>
}

/** Each has a separate user; clients alternate. */
async function makeConversations(store: Store, { clients, conversations }: Size): Promise<Made[]> {
  const owners = await Promise.all(Array.from({ length: clients }, () => makeClient(store)))
  return Promise.all(
    Array.from({ length: conversations }, async (_, i): Promise<Made> => {
      const { clientId, headers } = owners[i % clients] as Awaited<ReturnType<typeof makeClient>>
      const [userId, conversationId, createdAt] = [newId(), newId(), new Date()]
      const user = store.createUser({ id: userId, clientId, createdAt }, event('user.new'))
      const conversation = { id: conversationId, clientId, userId, createdAt }
      await Promise.all([user, store.createConversation(conversation, event('conversation.new'))])
      return { clientId, conversationId, userId, headers }
    }),
  )
}

async function makeClient(store: Store): Promise<Pick<Made, 'clientId' | 'headers'>> {
  const [clientId, tokenId, secret] = [newId(), newId(), randomBytes(64).toString('base64')]
  const hash = createHash('sha256').update(secret).digest('hex')
  const createdAt = new Date()
  await store.insertClient({
    id: clientId,
    version: 1,
    createdAt,
    tokens: [{ id: tokenId, hash, createdAt }],
    integrations: [],
    webhooks: [],
  })
  return { clientId, headers: credentials(toUuid(clientId), `${toUuid(tokenId)}.${secret}`) }
}

const event = (type: 'user.new' | 'conversation.new') => ({
  ...{ id: newId(), type, payload: '{}', at: new Date(), owes: [], claim: false },
})

/** The oldest messages of each conversation, whose deliveries to an endpoint or a webhook were given up. */
async function makeDead(store: Store, conversations: readonly Made[], count: number): Promise<void> {
  const [webhook, endpoint, integrationId] = [newId(), newId(), newId()]
  const start = Date.now() - count
  for (let done = 0; done < count; done += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - done) }, (_, i) => {
      const n = done + i
      const { clientId, conversationId } = conversations[n % conversations.length] as Made
      const isEndpoint = n % 2 === 0
      const target = isEndpoint ? (`e${endpoint}` as const) : (`w${webhook}` as const)
      const dead = {
        reason: n % 10 === 0 ? ('gone' as const) : ('exhausted' as const),
        ...{ attempts: 3, at: new Date(start + n), label: 'support', error: 'HTTP 500' },
        ...(isEndpoint && { channel: 'telegram', integrationId }),
      }
      const seq = 2 + Math.floor(n / conversations.length)
      return store.bury({ clientId, streamId: conversationId }, seq, target, dead)
    })
    await Promise.all(batch)
  }
}

/** A few to one conversation, by the person and the bot in turn, then a few to the next, round and round. */
async function makeMessages(store: Store, conversations: readonly Made[], count: number): Promise<void> {
  const payload = JSON.stringify(PAYLOAD)
  for (let done = 0; done < count; done += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - done) }, (_, i) => {
      const n = done + i
      const { clientId, conversationId, userId } = conversations[
        Math.floor(n / BURST) % conversations.length
      ] as Made
      const author: Author = n % 2 === 0 ? { userId } : 'business'
      return store.append({
        clientId,
        streamId: conversationId,
        kind: 'conversation',
        entry: { id: newId(), type: 'message', payload, author, at: new Date(), claim: false },
        resolve: () => ({ owes: [], channel: 'messaging' }),
      })
    })
    await Promise.all(batch)
  }
}
