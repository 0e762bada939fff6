import { newId } from '@plugboard/core'
import { beforeEach, expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-store.js'
import { EndedSessions } from './ended-sessions.js'

let now: Date
let sessions: EndedSessions

beforeEach(() => {
  now = new Date('2026-11-22T08:00:00Z')
  sessions = new EndedSessions({ store: memoryDatabase().open(), now: () => now })
})

const later = (ms: number): Date => new Date(now.getTime() + ms)

test('a session has not ended before somebody ends it', async () => {
  const id = newId()
  expect(await sessions.find(id)).toBeUndefined()
  await sessions.end(id, { until: later(1000) })
  expect(await sessions.find(id)).toEqual({ until: later(1000).toISOString() })
})

test('the first end of a session counts, also of two at once', async () => {
  const id = newId()
  const [ada, bob] = await Promise.all([
    sessions.end(id, { until: later(1000), heir: 'ada' }),
    sessions.end(id, { until: later(1000), heir: 'bob' }),
  ])
  expect(ada).toEqual(bob)
  expect(await sessions.end(id, { until: later(9000) })).toEqual(ada)
})

test('an end is forgotten when the tokens of the session have expired, and not before', async () => {
  const [short, long] = [newId(), newId()]
  await sessions.end(short, { until: later(1000) })
  await sessions.end(long, { until: later(2000) })
  now = later(1000)
  await sessions.purge()
  expect(await sessions.find(short)).toBeUndefined()
  expect(await sessions.find(long)).toBeDefined()
})
