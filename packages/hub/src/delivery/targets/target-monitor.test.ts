import { newId, silentLogger } from '@plugboard/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyring, MemoryClients, recordOf, webhookOf } from '../../../test/support/clients.js'
import { Directory } from '../../clients/directory.js'
import { memoryDatabase } from '../../testing/memory-store.js'
import { SLOW_RUNS } from '../../testing/random-runs.js'
import { durationAt, sumOfDurations } from './attempt-hours.js'
import { TargetMonitor } from './target-monitor.js'
import { outageNow, workingState } from './target-state.js'
import { refusalsNow } from './wrong-signatures.js'

const outage = { kind: 'transient', message: 'no' } as const

test('processes merge what each has seen, and one that starts later knows it', async () => {
  const { open, at, target, stateOf } = setUp()
  const [a, b] = [open(), open()]
  a.received(target)
  a.failed(target, outage)
  at.setSeconds(1)
  b.failed(target, { kind: 'ambiguous', message: 'lost' })
  await Promise.all([a.flush(), b.flush()])
  const expected = {
    lastInboundAt: new Date(960_000),
    lastFailure: { kind: 'ambiguous', message: 'lost', at: new Date(at) },
    outage: { kind: 'ambiguous', message: 'lost', at: new Date(at), since: new Date(960_000) },
    consecutiveFailures: 2,
    counts: { delivered: 0, failed: 2, dead: 0 },
  }
  for (const monitor of [a, b, open()]) expect(await stateOf(monitor)).toEqual(expected)
  at.setSeconds(2)
  a.delivered(target)
  a.failed(target, outage)
  expect(await stateOf(a)).toMatchObject({ consecutiveFailures: 1, lastOutboundAt: new Date(at) })
  await a.flush()
  expect(await stateOf(b)).toMatchObject({
    consecutiveFailures: 1,
    counts: { delivered: 1, failed: 3, dead: 0 },
  })
})

test('a target is retrying after a failure, failing after a dead letter, and active after a success', async () => {
  const { open, at, target, stateOf } = setUp()
  const monitor = open()
  const state = async () => workingState((await stateOf(monitor)) ?? {})
  expect(await state()).toBe('active')
  const nextAttemptAt = new Date(990_000)
  monitor.failed(target, { ...outage, nextAttemptAt })
  expect(await state()).toBe('retrying')
  await monitor.flush()
  expect((await stateOf(open()))?.lastFailure).toEqual({ ...outage, at, nextAttemptAt })
  at.setSeconds(1)
  monitor.died(target, outage)
  expect(await state()).toBe('failing')
  expect(await stateOf(monitor)).toMatchObject({ counts: { failed: 2, dead: 1 } })
  at.setSeconds(2)
  monitor.delivered(target)
  expect(await state()).toBe('active')
})

test('a circuit is open for all processes since it opened first, until it is closed', async () => {
  const { open, at, target, stateOf } = setUp()
  const [a, b] = [open(), open()]
  const since = new Date(at)
  a.circuitOpened(target, new Date(970_000))
  await a.flush()
  expect(await stateOf(b)).toMatchObject({ circuit: { since, until: new Date(970_000) } })
  at.setSeconds(30)
  b.circuitOpened(target, new Date(999_000))
  await b.flush()
  expect(await stateOf(open())).toMatchObject({ circuit: { since, until: new Date(999_000) } })
  a.circuitClosed(target)
  expect((await stateOf(a))?.circuit).toBeUndefined()
  await a.flush()
  expect((await stateOf(open()))?.circuit).toBeUndefined()
})

test('attempts are counted by hour, over all processes, and the newest two hours are kept', async () => {
  const { open, at, target, stateOf } = setUp()
  const [a, b] = [open(), open()]
  const count = async (...monitors: (typeof a)[]) => {
    for (const monitor of monitors) {
      monitor.attempted(target, 10.4, false)
      monitor.attempted(target, 20, true)
      await monitor.flush()
    }
  }
  const hour = Math.floor(at.getTime() / 3_600_000)
  await count(a, b, a)
  const ranges = (count: number) => Array.from({ length: 18 }, (_, i) => (i === 13 || i === 17 ? count : 0))
  const first = { hour, succeeded: 3, failed: 3, durationMs: 90, durations: ranges(3) }
  expect((await stateOf(open()))?.hours).toEqual([first])
  at.setTime(at.getTime() + 3_600_000)
  await count(b)
  const second = { hour: hour + 1, succeeded: 1, failed: 1, durationMs: 30, durations: ranges(1) }
  expect((await stateOf(a))?.hours).toEqual([second, first])
  at.setTime(at.getTime() + 3_600_000)
  await count(a)
  expect((await stateOf(b))?.hours).toEqual([{ ...second, hour: hour + 2 }, second])
})

test('the duration that a share of the attempts does not exceed is known to a quarter of it, over all processes', async () => {
  const durations = fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 100 })
  await fc.assert(
    fc.asyncProperty(durations, fc.constantFrom(0.5, 0.95), async (all, share) => {
      const { open, target, stateOf } = setUp()
      const monitors = [open(), open()]
      for (const [i, each] of all.entries()) monitors[i % 2]?.attempted(target, each, false)
      for (const monitor of monitors) await monitor.flush()
      const { hours = [] } = (await stateOf(open())) ?? {}
      const found = durationAt(share, sumOfDurations(hours.map((hour) => hour.durations))) ?? 0
      const exact = [...all].sort((a, b) => a - b)[Math.ceil(share * all.length) - 1] ?? 0
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact / 4 + 1)
    }),
    { numRuns: SLOW_RUNS },
  )
  expect(durationAt(0.5, [])).toBeUndefined()
})

test('requests with a wrong signature count until an authentic one, over all processes', async () => {
  const { open, at, target, stateOf } = setUp()
  const [a, b] = [open(), open()]
  const refuse = async (monitor: typeof a, times: number) => {
    at.setTime(at.getTime() + 1000)
    for (let i = 0; i < times; i += 1) monitor.refused(target)
    await monitor.flush()
  }
  const now = async () => refusalsNow((await stateOf(open())) ?? {}, at)
  const start = new Date(at)
  await refuse(a, 3)
  expect(await now()).toBeUndefined()
  await refuse(b, 2)
  const [since, last] = [new Date(start.getTime() + 1000), new Date(start.getTime() + 2000)]
  expect(await now()).toEqual({ count: 5, since, at: last })
  b.received(target)
  await b.flush()
  expect(await now()).toBeUndefined()
  await refuse(a, 5)
  expect(await now()).toMatchObject({ count: 5 })
  b.verified(target)
  await b.flush()
  expect(await now()).toBeUndefined()
  // Those of last week are of another trouble.
  await refuse(a, 4)
  at.setTime(at.getTime() + 3_600_001)
  await refuse(b, 1)
  expect(await now()).toBeUndefined()
  b.verified(target)
  await b.flush()
  await refuse(a, 4)
  expect(await now()).toBeUndefined()
  await refuse(a, 1)
  expect(await now()).toMatchObject({ count: 5 })
  at.setTime(at.getTime() + 3_600_001)
  expect(await now()).toBeUndefined()
})

test('a failure about one person is shown, and does not count', async () => {
  const { open, target, stateOf } = setUp()
  const monitor = open()
  monitor.failed(target, { kind: 'recipient', message: 'blocked' })
  expect(await stateOf(monitor)).toMatchObject({
    lastFailure: { kind: 'recipient' },
    consecutiveFailures: 0,
  })
})

test('an outage lasts from the first failure to the next success, and a failure about one person is none', async () => {
  const { open, at, target, stateOf } = setUp()
  const [a, b] = [open(), open()]
  const outage = async () => {
    await Promise.all([a.flush(), b.flush()])
    return outageNow((await stateOf(open())) ?? {})
  }
  a.failed(target, { kind: 'recipient', message: 'blocked' })
  expect(await outage()).toBeUndefined()
  at.setSeconds(1)
  const since = new Date(at)
  a.failed(target, { kind: 'transient', message: 'first' })
  expect(await outage()).toMatchObject({ message: 'first', since })
  at.setSeconds(2)
  b.failed(target, { kind: 'transient', message: 'second' })
  a.failed(target, { kind: 'recipient', message: 'blocked' })
  expect(await outage()).toMatchObject({ message: 'second', since })
  at.setSeconds(3)
  a.delivered(target)
  expect(await outage()).toBeUndefined()
  at.setSeconds(4)
  b.failed(target, { kind: 'transient', message: 'third' })
  expect(await outage()).toMatchObject({ message: 'third', since: new Date(at) })
})

test('forgets a target that was removed, and a client that was deleted', async () => {
  const { open, target, clientId, remove, store } = setUp()
  const monitor = open()
  monitor.failed(target, outage)
  await monitor.flush()
  await remove()
  const other = { clientId, targetId: newId() }
  monitor.failed(other, outage)
  await monitor.flush()
  expect(await open().read(clientId)).toEqual(new Map())
  const gone = { clientId: newId(), targetId: newId() }
  monitor.failed(gone, outage)
  await monitor.flush()
  expect(await store.findDocument(gone.clientId, 'target-state', { id: gone.clientId })).toBeUndefined()
})

test('what cannot be written down is kept for the next time', async () => {
  const { open, writes, at, target, stateOf } = setUp()
  const monitor = open()
  monitor.failed(target, outage)
  writes.isBroken = true
  await monitor.flush()
  at.setSeconds(1)
  monitor.failed(target, outage)
  writes.isBroken = false
  await monitor.flush()
  expect(await stateOf(open())).toMatchObject({ consecutiveFailures: 2, lastFailure: { at: new Date(at) } })
})

test('writes nothing where nothing happened', async () => {
  const { open, writes, target } = setUp()
  const monitor = open()
  monitor.received(target)
  await monitor.flush()
  const { count } = writes
  await monitor.flush()
  expect(writes.count).toBe(count)
})

function setUp() {
  const at = new Date(960_000)
  const writes = { isBroken: false, count: 0 }
  const store = memoryDatabase().open()
  const { insertDocument, replaceDocument } = store
  const check = (): void => {
    writes.count += 1
    if (writes.isBroken) throw new Error('the store failed')
  }
  store.insertDocument = async (document) => {
    check()
    return insertDocument(document)
  }
  store.replaceDocument = async (document) => {
    check()
    return replaceDocument(document)
  }
  const clientId = newId()
  const webhook = webhookOf(clientId, 'https://bot.example/hook')
  const clients = new MemoryClients(recordOf({ id: clientId, webhooks: [webhook] }))
  const directory = new Directory({
    store: Object.assign(store, { findClient: (by: { id: typeof clientId }) => clients.findClient(by) }),
    keyring,
    maxClients: 10,
    maxAgeMs: 0,
    changed: async () => undefined,
  })
  const target = { clientId, targetId: webhook.id }
  const open = () => new TargetMonitor({ store, directory, log: silentLogger, now: () => new Date(at) })
  return {
    ...{ open, writes, at, target, clientId, store },
    stateOf: async (monitor: TargetMonitor) => (await monitor.read(clientId)).get(target.targetId),
    async remove() {
      clients.records.set(clientId, recordOf({ id: clientId }))
      directory.forget()
    },
  }
}
