import { newId } from '@plugboard/core'
import { beforeEach, expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-store.js'
import { OperatorSessions } from './operator-sessions.js'

const HOUR_MS = 60 * 60 * 1000
const FROM = { from: '203.0.113.7' }

let now: Date
let database: ReturnType<typeof memoryDatabase>
let sessions: OperatorSessions

const open = () => new OperatorSessions({ store: database.open(), now: () => now, idleMs: 12 * HOUR_MS })

beforeEach(() => {
  now = new Date('2026-11-22T08:00:00Z')
  database = memoryDatabase()
  sessions = open()
})

const later = (ms: number): void => {
  now = new Date(now.getTime() + ms)
}

test('a session is found by its token, in every process', async () => {
  const operatorId = newId()
  const { token, session } = await sessions.begin({ operatorId }, { ...FROM, userAgent: 'Firefox' })
  expect(await open().use(token)).toEqual(session)
  expect(session).toMatchObject({ owner: { operatorId }, from: '203.0.113.7', userAgent: 'Firefox' })
  for (const wrong of ['', `${token}a`, session.id, token.toLowerCase()])
    expect(await sessions.use(wrong)).toBeUndefined()
})

test('a token is not in the store', async () => {
  const { token } = await sessions.begin({ operatorId: newId() }, FROM)
  const [document] = await database
    .open()
    .listDocuments('0'.repeat(24) as never, 'operator-session', { limit: 9 })
  expect(document?.data).toContain('203.0.113.7')
  expect(JSON.stringify(document)).not.toContain(token)
})

test('a session lasts while it is used, but for no more than a week', async () => {
  const { token, session } = await sessions.begin({ operatorId: newId() }, FROM)
  expect(session.expiresAt).toEqual(new Date('2026-11-22T20:00:00Z'))
  for (let hours = 0; hours < 7 * 24 - 11; hours += 11) {
    expect(await sessions.use(token)).toBeDefined()
    later(11 * HOUR_MS)
  }
  expect((await sessions.use(token))?.expiresAt).toEqual(new Date('2026-11-29T08:00:00Z'))
  now = new Date('2026-11-29T08:00:00Z')
  expect(await sessions.use(token)).toBeUndefined()
})

test('a session is good for any number of requests at the same time', async () => {
  const { token } = await sessions.begin({ operatorId: newId() }, FROM)
  later(HOUR_MS)
  const all = await Promise.all(Array.from({ length: 200 }, () => sessions.use(token)))
  expect(new Set(all.map((session) => session?.usedAt))).toEqual(new Set(['2026-11-22T09:00:00.000Z']))
})

test('a session that is not used ends', async () => {
  const { token } = await sessions.begin({ operatorId: newId() }, FROM)
  later(12 * HOUR_MS - 1)
  expect(await sessions.use(token)).toBeDefined()
  later(12 * HOUR_MS)
  expect(await sessions.use(token)).toBeUndefined()
})

test('a session of a link ends with the link', async () => {
  const owner = { clientId: newId(), linkId: newId(), role: 'viewer', name: 'a link' } as const
  const { token, session } = await sessions.begin(owner, {
    ...FROM,
    until: new Date(now.getTime() + HOUR_MS),
  })
  expect(session.expiresAt).toEqual(new Date('2026-11-22T09:00:00Z'))
  later(HOUR_MS)
  expect(await sessions.use(token)).toBeUndefined()
})

test('all sessions of one operator end at once, and no others', async () => {
  const [ada, bob, linkId] = [newId(), newId(), newId()]
  const begin = async (operatorId: typeof ada) => (await sessions.begin({ operatorId }, FROM)).token
  const ofAda = [await begin(ada), await begin(ada)]
  const ofBob = await begin(bob)
  const kept = await sessions.begin({ operatorId: ada }, FROM)
  const link = await sessions.begin({ clientId: newId(), linkId, role: 'viewer', name: 'a link' }, FROM)
  expect(await sessions.list(ada, 10)).toHaveLength(3)
  expect(await sessions.endAll({ operatorId: ada, except: kept.session.id })).toBe(2)
  for (const token of ofAda) expect(await sessions.use(token)).toBeUndefined()
  for (const token of [ofBob, kept.token, link.token]) expect(await sessions.use(token)).toBeDefined()
  expect(await sessions.list(ada, 10)).toEqual([kept.session])
  expect(await sessions.endAll({ linkId })).toBe(1)
  expect(await sessions.use(link.token)).toBeUndefined()
})

test('sessions that have expired are removed', async () => {
  const old = await sessions.begin({ operatorId: newId() }, FROM)
  later(11 * HOUR_MS)
  const { token } = await sessions.begin({ operatorId: newId() }, FROM)
  later(HOUR_MS)
  await sessions.purge()
  expect(await sessions.end(old.session.id)).toBe(false)
  expect(await sessions.use(token)).toBeDefined()
})
