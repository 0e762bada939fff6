import { newId, silentLogger } from '@plugboard/core'
import { expect, test, vi } from 'vitest'
import { memoryDatabase } from '../../testing/memory-store.js'
import { monotonicMs } from '../transport.js'
import { QueueBell } from './queue-bell.js'
import { type QueueAddress, QueueTransport } from './queue-transport.js'

const FOREVER = Number.POSITIVE_INFINITY
const clientId = newId()

/** A transport on a store whose writes the test can fail or hold up. */
function setUp({ fails = 0 }: { fails?: number } = {}) {
  const store = memoryDatabase().open()
  const bell = new QueueBell()
  const events: string[] = []
  const writes: number[] = []
  let left = fails
  let gate: Promise<void> = Promise.resolve()
  const guarded = async (count: number, write: () => Promise<void>): Promise<void> => {
    writes.push(count)
    await gate
    left -= 1
    if (left >= 0) throw new Error('the store is down')
    await write()
  }
  const transport = new QueueTransport({
    store: {
      enqueue: (client, queue, items) => guarded(items.length, () => store.enqueue(client, queue, items)),
      offerPulls: (client, offers, now) =>
        guarded(offers.length, () => store.offerPulls(client, offers, now)),
    },
    ...{ bell, log: silentLogger, now: () => new Date(99), retryMs: 1 },
  })
  transport.start({
    attempted: () => events.push('attempted'),
    delivered: (...of) => events.push(`delivered ${of.join('/')}`),
    cancelled: (...of) => events.push(`cancelled ${of.join('/')}`),
    expired: (...of) => events.push(`expired ${of.join('/')}`),
    progressed: () => events.push('progressed'),
    failed: () => events.push('failed'),
  })
  return {
    ...{ transport, store, bell, events, writes },
    holdUp() {
      let release = (): void => undefined
      gate = new Promise((resolve) => {
        release = resolve
      })
      return release
    },
  }
}

const addressOf = (fields: Partial<QueueAddress> = {}): QueueAddress => ({
  ...{ clientId, webhookId: newId(), mode: 'feed', streamId: newId() },
  ...fields,
})
const entries = (...seqs: number[]) => seqs.map((seq) => ({ seq, at: new Date(seq) }))

test('stores what all lanes push in one turn in one write, each lane in order', async () => {
  const { transport, store, events, writes } = setUp()
  const a = addressOf({ userId: newId() })
  const b = addressOf({ webhookId: a.webhookId })
  transport.push(1, 0, a, entries(1, 2), FOREVER)
  transport.push(2, 0, b, entries(5), FOREVER)
  transport.push(1, 0, a, entries(3), FOREVER)
  await vi.waitFor(() => expect(events).toEqual(['delivered 1/0/2', 'delivered 2/0/5', 'delivered 1/0/3']))
  expect(writes).toEqual([4])
  const items = await store.readQueue(clientId, a.webhookId, { after: 0, limit: 9 })
  expect(items.map(({ streamId, seq, userId }) => [streamId, seq, userId])).toEqual([
    [a.streamId, 1, a.userId],
    [a.streamId, 2, a.userId],
    [b.streamId, 5, undefined],
    [a.streamId, 3, a.userId],
  ])
})

test('offers entries to the readers of a webhook, and rings for it', async () => {
  const { transport, store, bell, events } = setUp()
  const address = addressOf({ mode: 'pull' })
  const { webhookId, streamId } = address
  const rings: string[] = []
  const end = bell.listen(webhookId, () => rings.push('rang'))
  transport.push(1, 0, address, entries(4, 6), FOREVER)
  transport.push(2, 0, { ...address, replay: '2-9' }, entries(2), FOREVER)
  await vi.waitFor(() => expect(events).toHaveLength(2))
  const lanes = await store.findPulls(clientId, [
    { webhookId, streamId },
    { webhookId, streamId, replay: '2-9' },
  ])
  expect(lanes.map(({ done, upTo, since }) => [done, upTo, since.getTime()])).toEqual([
    [3, 6, 4],
    [1, 2, 99],
  ])
  expect(rings).toEqual(['rang'])
  end()
  bell.ringAll()
  expect(rings).toEqual(['rang'])
})

test('repeats a write that failed, and reports no failure', async () => {
  const { transport, store, events, writes } = setUp({ fails: 2 })
  const address = addressOf()
  transport.push(1, 0, address, entries(1), FOREVER)
  transport.push(1, 0, address, entries(2), FOREVER)
  await vi.waitFor(() => expect(events).toEqual(['delivered 1/0/1', 'delivered 1/0/2']))
  expect(writes).toEqual([2, 2, 2])
  expect(await store.queueEnds(clientId, address.webhookId)).toEqual({ first: 1, last: 2 })
})

test('gives a lane up when its lease is over before the store takes it', async () => {
  const { transport, events } = setUp({ fails: 1000 })
  const address = addressOf()
  transport.push(1, 3, address, entries(1), monotonicMs() + 20)
  transport.push(2, 0, addressOf({ webhookId: address.webhookId }), entries(1), monotonicMs() + 20)
  transport.renew(2, FOREVER)
  await vi.waitFor(() => expect(events).toEqual(['expired 1/3']))
  transport.cancel(2, 0)
  await vi.waitFor(() => expect(events).toEqual(['expired 1/3', 'cancelled 2/0']))
})

test('confirms a cancel once what is being written is written, and drops what waits', async () => {
  const { transport, store, events, writes, holdUp } = setUp()
  const release = holdUp()
  const address = addressOf()
  transport.push(1, 0, address, entries(1), FOREVER)
  await vi.waitFor(() => expect(writes).toEqual([1]))
  transport.push(1, 0, address, entries(2), FOREVER)
  transport.cancel(1, 0)
  transport.cancel(9, 4)
  await vi.waitFor(() => expect(events).toEqual(['cancelled 9/4']))
  release()
  await vi.waitFor(() => expect(events).toEqual(['cancelled 9/4', 'delivered 1/0/1', 'cancelled 1/0']))
  expect(await store.queueEnds(clientId, address.webhookId)).toEqual({ first: 1, last: 1 })
})

test('a stop waits for what is being written, and starts nothing more', async () => {
  const { transport, events, writes, holdUp } = setUp()
  const release = holdUp()
  const address = addressOf()
  transport.push(1, 0, address, entries(1), FOREVER)
  await vi.waitFor(() => expect(writes).toEqual([1]))
  transport.push(2, 0, address, entries(1), FOREVER)
  const closed = transport.close(5000)
  transport.push(3, 0, address, entries(1), FOREVER)
  release()
  await closed
  expect(events).toEqual(['delivered 1/0/1'])
  expect(writes).toEqual([1])
})
