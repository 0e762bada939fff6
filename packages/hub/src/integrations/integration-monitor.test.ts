import { newId, silentLogger } from '@plugboard/core'
import { expect, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-store.js'
import { IntegrationMonitor } from './integration-monitor.js'

const id = newId()
const outage = { kind: 'transient', message: 'no' } as const

test('processes merge what each has seen, and one that starts later knows it', async () => {
  const { open, at } = setUp()
  const [a, b] = [open(), open()]
  a.received(id)
  a.failed(id, outage)
  at.setSeconds(1)
  b.failed(id, { kind: 'ambiguous', message: 'lost' })
  await Promise.all([a.flush(), b.flush()])
  const expected = {
    lastInboundAt: new Date(960_000),
    lastFailure: { kind: 'ambiguous', message: 'lost', at: new Date(at) },
    consecutiveFailures: 2,
  }
  for (const monitor of [a, b, open()]) expect(await monitor.read(id)).toEqual(expected)
  at.setSeconds(2)
  a.delivered(id)
  a.failed(id, outage)
  expect(await a.read(id)).toMatchObject({ consecutiveFailures: 1, lastOutboundAt: new Date(at) })
  await a.flush()
  expect(await b.read(id)).toMatchObject({ consecutiveFailures: 1 })
})

test('a failure about one person is shown, and does not count', async () => {
  const monitor = setUp().open()
  monitor.failed(id, { kind: 'recipient', message: 'blocked' })
  expect(await monitor.read(id)).toMatchObject({ lastFailure: { kind: 'recipient' }, consecutiveFailures: 0 })
})

test('what cannot be written down is kept for the next time', async () => {
  const { open, meta, at } = setUp()
  const monitor = open()
  monitor.failed(id, outage)
  meta.isBroken = true
  await monitor.flush()
  at.setSeconds(1)
  monitor.failed(id, outage)
  meta.isBroken = false
  await monitor.flush()
  expect(await open().read(id)).toMatchObject({ consecutiveFailures: 2, lastFailure: { at: new Date(at) } })
})

test('writes nothing where nothing happened', async () => {
  const { open, meta } = setUp()
  const monitor = open()
  monitor.received(id)
  await monitor.flush()
  const { writes } = meta
  await monitor.flush()
  expect(meta.writes).toBe(writes)
})

function setUp() {
  const at = new Date(960_000)
  const meta = { isBroken: false, writes: 0 }
  const store = memoryDatabase().open()
  const { putMetaIfAbsent, replaceMeta } = store
  const check = (): void => {
    meta.writes += 1
    if (meta.isBroken) throw new Error('the store failed')
  }
  store.putMetaIfAbsent = async (key, value) => {
    check()
    return putMetaIfAbsent(key, value)
  }
  store.replaceMeta = async (key, from, to) => {
    check()
    return replaceMeta(key, from, to)
  }
  const open = () => new IntegrationMonitor({ store, log: silentLogger, now: () => new Date(at) })
  return { open, meta, at }
}
