import { newId, silentLogger } from '@plugboard/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type LateItem, LateWebhooks } from './late-webhooks.js'
import type { DeliveryFailure } from './transport.js'
import type { WebhookItem } from './webhook-sender.js'

const to = { clientId: newId(), address: { id: 'hook', url: 'https://example.com', headers: {} } }
const broken: DeliveryFailure = { kind: 'invalid', message: 'it has no form' }

let pushed: (readonly [lane: number, generation: number, items: readonly WebhookItem[]])[]
let cancelled: (readonly [lane: number, generation: number])[]
let unrendered: (readonly [lane: number, generation: number, seq: number, failure: DeliveryFailure])[]
let logged: object[]
let late: LateWebhooks

beforeEach(() => {
  vi.useFakeTimers()
  ;[pushed, cancelled, unrendered, logged] = [[], [], [], []]
  late = new LateWebhooks(
    {
      push: (lane, generation, _, items) => pushed.push([lane, generation, items]),
      cancel: (lane, generation) => cancelled.push([lane, generation]),
    },
    { ...silentLogger, error: (fields) => logged.push(fields as object) },
  )
  late.start({ unrendered: (...what) => unrendered.push(what) })
})
afterEach(() => {
  vi.useRealTimers()
})

type Make = LateItem['make']

const item = (seq: number, make: Make | string) => ({
  ...{ seq, id: `id-${seq}` },
  make: typeof make === 'string' ? async () => make : make,
})
const soon = () => vi.advanceTimersByTimeAsync(5)
const seqs = () => pushed.map(([, , items]) => items.map(({ seq }) => seq))

/** A body that is there when it is told to be. */
function held(body: string): { make: Make; ready(): void } {
  let ready = (): void => undefined
  const made = new Promise<string>((resolve) => {
    ready = () => resolve(body)
  })
  return { make: () => made, ready: () => ready() }
}

test('items are handed on in the order that they were pushed, whichever body is ready first', async () => {
  const slow = held('slow')
  late.push(1, 1, to, [item(1, slow.make)])
  late.push(1, 1, to, [item(2, 'quick')])
  await soon()
  expect(pushed).toEqual([])
  slow.ready()
  await soon()
  expect(pushed.map(([, , items]) => items)).toEqual([
    [{ seq: 1, id: 'id-1', body: 'slow' }],
    [{ seq: 2, id: 'id-2', body: 'quick' }],
  ])
})

test('a lane does not wait for another', async () => {
  late.push(1, 1, to, [item(1, held('never').make)])
  late.push(2, 1, to, [item(1, 'mine')])
  await soon()
  expect(pushed.map(([lane]) => lane)).toEqual([2])
})

test('what has nothing to say is handed on without a body', async () => {
  late.push(1, 1, to, [item(1, '')])
  await soon()
  expect(pushed).toEqual([[1, 1, [{ seq: 1, id: 'id-1', body: '' }]]])
})

test('a look-up that fails is made again, each time later, and the log says of which client', async () => {
  let asked = 0
  const make = async () => {
    asked += 1
    if (asked < 4) throw new Error('the store is down')
    return 'at last'
  }
  late.push(1, 1, to, [item(1, make)])
  for (const ms of [999, 1, 1999, 1, 3999]) await vi.advanceTimersByTimeAsync(ms)
  expect([asked, pushed]).toEqual([3, []])
  await vi.advanceTimersByTimeAsync(1)
  expect(pushed).toEqual([[1, 1, [{ seq: 1, id: 'id-1', body: 'at last' }]]])
  expect(logged).toHaveLength(3)
  for (const fields of logged) expect(fields).toMatchObject({ clientId: to.clientId })
})

test('a look-up that fails for long is made once a minute', async () => {
  let asked = 0
  const make = async () => {
    asked += 1
    throw new Error('the store is down')
  }
  late.push(1, 1, to, [item(1, make)])
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(asked).toBeGreaterThan(55)
  expect(asked).toBeLessThan(70)
  late.close()
})

test('an item without a form is reported, and nothing that was pushed after it is handed on', async () => {
  const slow = held('slow')
  late.push(1, 1, to, [item(1, slow.make), item(2, async () => broken), item(3, 'after')])
  late.push(1, 1, to, [item(4, 'later')])
  late.push(2, 1, to, [item(1, 'of another lane')])
  await soon()
  expect(unrendered).toEqual([])
  slow.ready()
  await soon()
  expect(unrendered).toEqual([[1, 1, 2, broken]])
  expect(seqs()).toEqual([[1], [1]])
})

test('what is pushed anew after an item without a form is handed on', async () => {
  late.push(1, 1, to, [item(1, async () => broken)])
  await soon()
  late.push(1, 2, to, [item(2, 'next')])
  await soon()
  expect(pushed).toEqual([[1, 2, [{ seq: 2, id: 'id-2', body: 'next' }]]])
})

test('an older generation holds a newer one up no more', async () => {
  late.push(1, 1, to, [item(1, held('never').make)])
  late.push(1, 2, to, [item(1, 'again')])
  await soon()
  expect(pushed).toEqual([[1, 2, [{ seq: 1, id: 'id-1', body: 'again' }]]])
})

test('nothing is handed on, reported or asked for again after the end', async () => {
  let asked = 0
  const make = async () => {
    asked += 1
    throw new Error('the store is closed')
  }
  const slow = held('late')
  late.push(1, 1, to, [item(1, make)])
  late.push(2, 1, to, [item(1, slow.make), item(2, async () => broken)])
  await soon()
  late.close()
  slow.ready()
  await vi.advanceTimersByTimeAsync(100_000)
  expect([asked, pushed, unrendered]).toEqual([1, [], []])
  expect(vi.getTimerCount()).toBe(0)
})

test('what was cancelled is not handed on, and what is pushed after it is', async () => {
  const slow = held('old')
  late.push(1, 1, to, [item(1, slow.make)])
  late.cancel(1, 1)
  late.push(1, 2, to, [item(1, 'new')])
  slow.ready()
  await soon()
  expect(cancelled).toEqual([[1, 1]])
  expect(pushed).toEqual([[1, 2, [{ seq: 1, id: 'id-1', body: 'new' }]]])
})
