import { silentLogger } from '@plugboard/core'
import { beforeEach, expect, test } from 'vitest'
import { LateWebhooks, type MakeBody } from './late-webhooks.js'
import type { WebhookItem } from './webhook-sender.js'

const address = { id: 'hook', url: 'https://example.com', headers: {} }

let pushed: (readonly [lane: number, generation: number, items: readonly WebhookItem[]])[]
let cancelled: (readonly [lane: number, generation: number])[]
let late: LateWebhooks

beforeEach(() => {
  pushed = []
  cancelled = []
  late = new LateWebhooks(
    {
      push: (lane, generation, _, items) => pushed.push([lane, generation, items]),
      cancel: (lane, generation) => cancelled.push([lane, generation]),
    },
    silentLogger,
  )
})

const item = (seq: number, make: MakeBody) => ({ seq, id: `id-${seq}`, make })
const soon = () => new Promise((resolve) => setTimeout(resolve, 5))

/** A body that is there when it is told to be. */
function held(body: string): { make: MakeBody; ready(): void } {
  let ready = (): void => undefined
  const made = new Promise<string>((resolve) => {
    ready = () => resolve(body)
  })
  return { make: () => made, ready: () => ready() }
}

test('items are handed on in the order that they were pushed, whichever body is ready first', async () => {
  const slow = held('slow')
  late.push(1, 1, address, [item(1, slow.make)])
  late.push(1, 1, address, [item(2, () => 'quick')])
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
  late.push(1, 1, address, [item(1, held('never').make)])
  late.push(2, 1, address, [item(1, () => 'mine')])
  await soon()
  expect(pushed.map(([lane]) => lane)).toEqual([2])
})

test('what need not be told is handed on without a body', async () => {
  late.push(1, 1, address, [item(1, async () => undefined)])
  await soon()
  expect(pushed).toEqual([[1, 1, [{ seq: 1, id: 'id-1', body: '' }]]])
})

test('what cannot be looked up is asked for again', async () => {
  let asked = 0
  const make = async () => {
    asked += 1
    if (asked === 1) throw new Error('the store is down')
    return 'at last'
  }
  late.push(1, 1, address, [item(1, make)])
  await expect.poll(() => pushed.length, { timeout: 5000 }).toBe(1)
  expect(pushed).toEqual([[1, 1, [{ seq: 1, id: 'id-1', body: 'at last' }]]])
})

test('nothing is handed on or asked for again after the end', async () => {
  let asked = 0
  const make = async () => {
    asked += 1
    throw new Error('the store is closed')
  }
  const slow = held('late')
  late.push(1, 1, address, [item(1, make)])
  late.push(2, 1, address, [item(1, slow.make)])
  await soon()
  late.close()
  slow.ready()
  await new Promise((resolve) => setTimeout(resolve, 1100))
  expect([asked, pushed]).toEqual([1, []])
})

test('what was cancelled is not handed on, and what is pushed after it is', async () => {
  const slow = held('old')
  late.push(1, 1, address, [item(1, slow.make)])
  late.cancel(1, 1)
  late.push(1, 2, address, [item(1, () => 'new')])
  slow.ready()
  await soon()
  expect(cancelled).toEqual([[1, 1]])
  expect(pushed).toEqual([[1, 2, [{ seq: 1, id: 'id-1', body: 'new' }]]])
})
