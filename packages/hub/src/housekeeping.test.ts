import { type Id, silentLogger } from '@plugboard/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keyring, MemoryClients, recordOf, storeOf } from '../test/support/clients.js'
import { Clients } from './clients/clients.js'
import { Directory } from './clients/directory.js'
import { Idempotency } from './clients/idempotency.js'
import { clientFacts } from './documents/facts.js'
import { Housekeeping } from './housekeeping.js'

const MINUTE_MS = 60_000

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('removes what was deleted or is too old, in slices, until nothing is left', async () => {
  const { housekeeping, left } = setUp({ conversations: 1200, clients: 3, keys: 2500 })
  await housekeeping.run()
  expect(left).toEqual({ conversations: 0, clients: 0, keys: 0 })
})

test('takes the files of deleted clients along, and what uploads have left half-written', async () => {
  const { housekeeping, files } = setUp({ clients: 2 })
  await housekeeping.run()
  expect(new Set(files.removed).size).toBe(2)
  expect(files.sweptBefore?.getTime()).toBeLessThan(Date.now() - 60 * MINUTE_MS)
})

test('goes about it each minute, one round at a time, and goes on after a failure', async () => {
  const { housekeeping, calls, store } = setUp({})
  store.purgeKeys = async () => 0
  store.purgeDeleted = async () => {
    calls.push('round')
    if (calls.length === 1) throw new Error('broken')
    await new Promise((resolve) => setTimeout(resolve, 3 * MINUTE_MS))
    return 0
  }
  housekeeping.start()
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  expect(calls.length).toBe(1)
  await vi.advanceTimersByTimeAsync(3 * MINUTE_MS)
  expect(calls.length).toBe(2)
  await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
  expect(calls.length).toBe(3)
})

test('stops after the slice that it is at, however much there is left', async () => {
  const { housekeeping, left } = setUp({ conversations: 1_000_000, clients: 5, keys: 1_000_000 })
  housekeeping.start()
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  await housekeeping.stop()
  expect(left.conversations).toBeGreaterThan(900_000)
  expect([left.clients, left.keys]).toEqual([5, 1_000_000])
})

function setUp(given: { conversations?: number; clients?: number; keys?: number }) {
  const left = { conversations: 0, clients: 0, keys: 0, ...given }
  const calls: string[] = []
  const records = Array.from({ length: left.clients }, () => recordOf({ deletedAt: new Date() }))
  const take = (kind: 'conversations' | 'keys', limit: number): Promise<number> =>
    new Promise((resolve) => {
      // Takes no time that passes, and lets others have their turn.
      setImmediateOf(() => {
        const count = Math.min(left[kind], limit)
        left[kind] -= count
        resolve(count)
      })
    })
  const rounds = new Map<string, number>()
  const store = storeOf({
    listClients: async ({ after, limit }) => {
      const from = after ? records.findIndex(({ id }) => id === after) + 1 : 0
      return records.slice(from, from + limit)
    },
    purgeDeleted: (limit) => take('conversations', limit),
    purgeKeys: (_, limit) => take('keys', limit),
    async purgeClient(id) {
      const round = (rounds.get(id) ?? 0) + 1
      rounds.set(id, round)
      if (round < 3) return false
      left.clients -= 1
      return true
    },
  })
  const now = (): Date => new Date()
  const files: { removed: Id[]; sweptBefore?: Date } = { removed: [] }
  const attachments = {
    removeOf: async ({ clientId }: { clientId: Id }) => void files.removed.push(clientId),
  }
  const accounts = { removeOf: async () => undefined }
  const directory = new Directory({
    ...{ store: storeOf(new MemoryClients()), keyring, maxClients: 10, maxAgeMs: 0 },
    changed: async () => undefined,
  })
  const clients = new Clients({
    ...{ store, facts: clientFacts(store), directory, attachments, accounts, now },
  })
  const idempotency = new Idempotency({ store, now })
  const blobs = {
    async sweep(before: Date) {
      files.sweptBefore = before
    },
  }
  const housekeeping = new Housekeeping({
    store,
    blobs,
    clients,
    idempotency,
    merges: { sweep: async () => undefined },
    endedSessions: { purge: async () => undefined },
    operatorSessions: { purge: async () => undefined },
    audit: { purge: async () => undefined },
    pullSweep: { run: async () => undefined },
    attempts: { purge: async () => undefined },
    jobs: { purge: async () => undefined },
    log: silentLogger,
  })
  return { housekeeping, left, calls, store, files }
}

const setImmediateOf = globalThis.setImmediate
