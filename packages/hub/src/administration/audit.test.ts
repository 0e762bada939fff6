import { type Id, newId } from '@plugboard/core'
import { beforeEach, describe, expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-store.js'
import { Audit, type AuditEntry, type AuditFilter } from './audit.js'

const DAY_MS = 24 * 60 * 60 * 1000

let now: Date
let audit: Audit

beforeEach(() => {
  now = new Date('2026-11-22T08:00:00Z')
  audit = new Audit({ store: memoryDatabase().open(), now: () => now, keepMs: 30 * DAY_MS })
})

const entry = (of: Partial<AuditEntry> = {}): Omit<AuditEntry, 'at' | 'outcome'> => ({
  action: 'client.rename',
  actor: { kind: 'operator', id: 'ada', name: 'ada@example.com' },
  from: '203.0.113.7',
  requestId: 'r-1',
  ...of,
})

const later = (ms: number): void => {
  now = new Date(now.getTime() + ms)
}

const listed = async (filter: AuditFilter = {}, limit = 50, before?: Id) =>
  (await audit.list(filter, { limit, before })).map(({ action }) => action)

test('an action is in the log before its result is known', async () => {
  const id = await audit.begin(entry())
  expect(await audit.list({}, { limit: 10 })).toEqual([
    { ...entry(), id, outcome: 'started', at: now.toISOString() },
  ])
  await audit.end(id, { outcome: 'refused', code: 'CONFLICT', details: { name: 'shop' } })
  expect(await audit.list({}, { limit: 10 })).toMatchObject([
    { id, outcome: 'refused', code: 'CONFLICT', details: { name: 'shop' } },
  ])
})

test('a client that an action made is found by it', async () => {
  const id = await audit.begin(entry({ action: 'client.create' }))
  const clientId = newId()
  expect(await listed({ clientId })).toEqual([])
  await audit.end(id, { outcome: 'done', clientId })
  expect(await listed({ clientId })).toEqual(['client.create'])
})

describe('a list', () => {
  const client = newId()
  beforeEach(async () => {
    const bob: AuditEntry['actor'] = { kind: 'tenant', id: 'bob', name: 'link' }
    for (const of of [{ action: 'a' }, { action: 'b', clientId: client }, { action: 'b', actor: bob }]) {
      await audit.begin(entry(of))
      later(1000)
    }
    await audit.begin(entry({ action: 'c', actor: bob, clientId: client }))
  })

  test.each<[string, () => AuditFilter, string[]]>([
    ['of everything', () => ({}), ['c', 'b', 'b', 'a']],
    ['of one actor', () => ({ actor: 'bob' }), ['c', 'b']],
    ['of one action', () => ({ action: 'b' }), ['b', 'b']],
    ['of one client', () => ({ clientId: client }), ['c', 'b']],
    ['of an actor and an action', () => ({ actor: 'bob', action: 'b' }), ['b']],
    ['of all three', () => ({ actor: 'bob', action: 'c', clientId: client }), ['c']],
    ['that nothing matches', () => ({ actor: 'ada', action: 'c' }), []],
    ['since a time, inclusive', () => ({ since: new Date(now.getTime() - 1000) }), ['c', 'b']],
    ['until a time, exclusive', () => ({ until: new Date(now.getTime() - 1000) }), ['b', 'a']],
    ['of an action within a time', () => ({ action: 'b', since: new Date(now.getTime() - 1500) }), ['b']],
  ])('%s begins with the newest', async (_, filter, actions) => {
    expect(await listed(filter())).toEqual(actions)
  })

  test('goes on after its last entry', async () => {
    const [, last] = await audit.list({}, { limit: 2 })
    expect(await listed({}, 2, last?.id)).toEqual(['b', 'a'])
    expect(await listed({ until: new Date(now.getTime() - 2500) }, 2, last?.id)).toEqual(['a'])
  })
})

test('entries are removed when they are older than they are kept, and not before', async () => {
  await audit.begin(entry({ action: 'old' }))
  later(1)
  await audit.begin(entry({ action: 'new' }))
  later(30 * DAY_MS)
  await audit.purge()
  expect(await listed()).toEqual(['new'])
})

test('with no age, entries are kept forever', async () => {
  audit = new Audit({ store: memoryDatabase().open(), now: () => now, keepMs: 0 })
  await audit.begin(entry())
  later(10_000 * DAY_MS)
  await audit.purge()
  expect(await listed()).toHaveLength(1)
})
