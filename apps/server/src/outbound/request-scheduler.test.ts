import type { DeliveryFailure, WebhookAddress, WebhookItem } from '@plugboard/hub'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RequestScheduler } from './request-scheduler.js'

const refused: DeliveryFailure = { kind: 'transient', status: 500, message: 'answered 500' }

describe('RequestScheduler', () => {
  test('requests the items of a lane one after another', () => {
    const { scheduler, flights, events } = setUp()
    scheduler.push(1, 1, target('a'), items(1, 2), forever)
    scheduler.push(1, 1, target('a'), items(3), forever)
    expect(flights.map(({ seq }) => seq)).toEqual([1])
    end(flights)
    end(flights)
    end(flights)
    expect(events).toEqual(['delivered 1/1/1', 'delivered 1/1/2', 'delivered 1/1/3'])
  })

  test('reports whether a lane has more to do after a delivery', () => {
    const more: boolean[] = []
    const delivered = (_lane: number, _generation: number, _seq: number, hasMore: boolean) =>
      more.push(hasMore)
    const { scheduler, flights } = setUp(1, { delivered, failed: () => undefined })
    scheduler.push(1, 1, target('a'), items(1, 2), forever)
    end(flights)
    end(flights)
    expect(more).toEqual([true, false])
  })

  test('forgets the rest of a lane after a failure and ignores the old generation until a higher one comes', () => {
    const { scheduler, flights, events } = setUp()
    scheduler.push(1, 5, target('a'), items(1, 2, 3), forever)
    end(flights, refused)
    scheduler.push(1, 5, target('a'), items(4), forever)
    scheduler.push(1, 4, target('a'), items(5), forever)
    expect(flights).toEqual([])
    scheduler.push(1, 6, target('a'), items(1, 2), forever)
    expect(flights.map(({ seq }) => seq)).toEqual([1])
    expect(events).toEqual(['failed 1/5/1'])
  })

  test('lets a higher generation replace the queue, but not overtake the request in flight', () => {
    const { scheduler, flights, events } = setUp()
    scheduler.push(1, 1, target('a'), items(1, 2), forever)
    scheduler.push(1, 2, target('a'), items(7), forever)
    expect(flights.map(({ seq }) => seq)).toEqual([1])
    end(flights, refused)
    end(flights)
    expect(events).toEqual(['failed 1/1/1', 'delivered 1/2/7'])
  })

  test('cancels what is queued; a request in flight is reported before the cancel is confirmed', () => {
    const { scheduler, flights, events } = setUp()
    scheduler.push(1, 1, target('a'), items(1, 2), forever)
    scheduler.cancel(1, 1)
    scheduler.push(1, 1, target('a'), items(2), forever)
    expect(events).toEqual([])
    end(flights)
    scheduler.cancel(9, 4)
    expect(events).toEqual(['delivered 1/1/1', 'cancelled 1/1', 'cancelled 9/4'])
    expect(flights.map(({ seq }) => seq)).toEqual([2])
  })

  test('serves the lanes of a target in turn, one item each, up to the limit', () => {
    const { scheduler, flights } = setUp(2)
    for (const lane of [1, 2, 3, 4])
      scheduler.push(lane, 1, target('a'), items(lane * 10, lane * 10 + 1), forever)
    const order: number[] = []
    while (flights.length > 0) {
      expect(flights.length).toBeLessThanOrEqual(2)
      order.push(end(flights).seq)
    }
    expect(order).toEqual([10, 20, 30, 40, 11, 21, 31, 41])
  })

  test('gives each target its own limit', () => {
    const { scheduler, flights } = setUp(1)
    scheduler.push(1, 1, target('a'), items(1), forever)
    scheduler.push(2, 1, target('a'), items(2), forever)
    scheduler.push(3, 1, target('b'), items(3), forever)
    expect(flights.map(({ seq }) => seq)).toEqual([1, 3])
  })

  test('uses a changed target for all that is queued, and does not wait for what hangs at the old URL', () => {
    const { scheduler, flights } = setUp(1)
    scheduler.push(1, 1, target('a', 'http://old/'), items(1), forever)
    scheduler.push(2, 1, target('a', 'http://old/'), items(2, 3), forever)
    scheduler.push(2, 1, target('a', 'http://new/'), items(4), forever)
    expect(flights.map(({ seq, url }) => `${seq} ${url}`)).toEqual(['1 http://old/', '2 http://new/'])
  })

  test('does not overflow the stack when thousands of lanes fail at once', () => {
    const events: number[] = []
    const listener = { ...silent, failed: (lane: number) => void events.push(lane) }
    const held: (() => void)[] = []
    const request = (
      _target: WebhookAddress,
      item: WebhookItem,
      done: (failure?: DeliveryFailure) => void,
    ) => (item.seq === 0 ? void held.push(done) : done(refused))
    const scheduler = new RequestScheduler({ ...ample, request, listener, perTargetConcurrency: 1 })
    scheduler.push(0, 1, target('a'), items(0), forever)
    for (let lane = 1; lane <= 20_000; lane++) scheduler.push(lane, 1, target('a'), items(lane), forever)
    held[0]?.()
    expect(events.length).toBe(20_000)
  })

  test('starts nothing more once closed, and reports when the last request has ended', () => {
    const { scheduler, flights, events } = setUp(1)
    scheduler.push(1, 1, target('a'), items(1, 2), forever)
    scheduler.push(2, 1, target('a'), items(3), forever)
    scheduler.close(() => events.push('idle'))
    scheduler.push(3, 1, target('b'), items(4), forever)
    end(flights)
    expect(flights).toEqual([])
    expect(events).toEqual(['delivered 1/1/1', 'idle'])
  })

  test('starts a request only if its timeout ends before the lease does, else reports that the lease is over', () => {
    const { scheduler, flights, events, clock } = setUp()
    scheduler.push(1, 3, target('a'), items(1, 2, 3), 1000)
    clock.now = 900
    end(flights)
    expect(flights.map(({ seq }) => seq)).toEqual([2])
    clock.now = 901
    end(flights)
    expect(flights).toEqual([])
    expect(events).toEqual(['delivered 1/3/1', 'delivered 1/3/2', 'expired 1/3'])
    scheduler.push(1, 3, target('a'), items(4), 2000)
    expect(flights).toEqual([])
    scheduler.push(1, 4, target('a'), items(3), 2000)
    expect(flights.map(({ seq }) => seq)).toEqual([3])
  })

  test('counts with the timeout that a target has of its own', () => {
    const { scheduler, flights, events } = setUp()
    scheduler.push(1, 1, { ...target('a'), timeoutMs: 501 }, items(1), 500)
    scheduler.push(2, 1, { ...target('b'), timeoutMs: 500 }, items(1), 500)
    expect(flights.map(({ id }) => id)).toEqual(['b'])
    expect(events).toEqual(['expired 1/1'])
  })

  test('starts what is queued after a renewal of the lease, or a push with a later end', () => {
    const { scheduler, flights, clock } = setUp()
    for (const lane of [1, 2]) scheduler.push(lane, 1, target('a'), items(1, 2), 1000)
    clock.now = 950
    scheduler.renew(1, 2000)
    scheduler.renew(1, 500)
    scheduler.renew(9, 2000)
    scheduler.push(2, 1, target('a'), items(3), 2000)
    end(flights)
    end(flights)
    expect(flights.map(({ seq }) => seq)).toEqual([2, 2])
  })

  test('forgets a lane whose lease ends while it waits for its turn, and serves the next', () => {
    const { scheduler, flights, events, clock } = setUp(1)
    scheduler.push(1, 1, target('a'), items(1), 1000)
    scheduler.push(2, 1, target('a'), items(1), 1000)
    scheduler.push(3, 1, target('a'), items(7), 2000)
    clock.now = 1500
    end(flights)
    expect(flights.map(({ seq }) => seq)).toEqual([7])
    scheduler.cancel(2, 1)
    expect(events).toEqual(['delivered 1/1/1', 'expired 2/1', 'cancelled 2/1'])
  })

  test('keeps order, limits and completeness whatever comes in which order', () => {
    const url = fc.constantFrom('http://one/', 'http://two/')
    const count = fc.integer({ min: 1, max: 4 })
    const step = fc.oneof(
      fc.record({ type: fc.constant('push' as const), lane: fc.nat(5), count, url }),
      fc.record({ type: fc.constant('end' as const), index: fc.nat(20), fails: fc.boolean() }),
    )
    const steps = fc.array(step, { maxLength: 200, size: 'max' })
    fc.assert(fc.property(steps, fc.integer({ min: 1, max: 3 }), replay))
  })
})

type Step =
  | { type: 'push'; lane: number; count: number; url: string }
  | { type: 'end'; index: number; fails: boolean }

/** Plays the hub: a failure raises the generation and pushes again from the failed item. */
function replay(steps: Step[], limit: number): void {
  const lanes = Array.from({ length: 6 }, () => ({ pushed: 0, delivered: 0, generation: 1, url: '' }))
  const laneOf = (number: number) => lanes[number] ?? expect.fail('no such lane')
  const { scheduler, flights } = setUp(limit, {
    delivered: (number, generation, seq) => {
      const lane = laneOf(number)
      expect([generation, seq]).toEqual([lane.generation, lane.delivered + 1])
      lane.delivered = seq
    },
    failed: (number, generation, seq) => {
      const lane = laneOf(number)
      expect([generation, seq]).toEqual([lane.generation, lane.delivered + 1])
      lane.generation++
      push(number, seq, lane.pushed)
    },
  })
  const push = (number: number, from: number, to: number) => {
    const lane = laneOf(number)
    const all: WebhookItem[] = []
    for (let seq = from; seq <= to; seq++) all.push({ seq, id: String(number), body: '{}' })
    lane.pushed = to
    scheduler.push(number, lane.generation, target(number % 2 === 0 ? 'even' : 'odd', lane.url), all, forever)
  }
  for (const step of steps) {
    if (step.type === 'end') end(flights, step.fails ? refused : undefined, step.index)
    else {
      const lane = laneOf(step.lane)
      lane.url = step.url
      push(step.lane, lane.pushed + 1, lane.pushed + step.count)
    }
    expect(new Set(flights.map(({ lane }) => lane)).size).toBe(flights.length)
    const places = flights.map(({ id, url }) => `${id} ${url}`)
    const most = Math.max(0, ...places.map((place) => places.filter((other) => other === place).length))
    expect(most).toBeLessThanOrEqual(limit)
  }
  while (flights.length > 0) end(flights)
  expect(lanes.filter(({ pushed, delivered }) => pushed !== delivered)).toEqual([])
}

interface Flight {
  lane: number
  seq: number
  id: string
  url: string
  done: (failure?: DeliveryFailure) => void
}

const silent = { delivered() {}, failed() {}, cancelled() {}, expired() {} }
const forever = Number.POSITIVE_INFINITY
const ample = { timeoutMsOf: () => 100, now: () => 0 }

type Heard = Pick<ConstructorParameters<typeof RequestScheduler>[0]['listener'], 'delivered' | 'failed'>

/** A scheduler whose requests stay in `flights` until a test ends them. */
function setUp(limit = 32, hub?: Heard) {
  const events: string[] = []
  const flights: Flight[] = []
  const heard = hub ?? {
    delivered: (lane: number, generation: number, seq: number) =>
      void events.push(`delivered ${lane}/${generation}/${seq}`),
    failed: (...mark: unknown[]) => void events.push(`failed ${mark.slice(0, 3).join('/')}`),
  }
  const clock = { now: 0 }
  const scheduler = new RequestScheduler({
    request: ({ id, url }, { seq, id: itemId }, done) => {
      flights.push({ lane: Number(itemId), seq, id, url, done })
    },
    listener: {
      ...heard,
      cancelled: (...mark) => void events.push(`cancelled ${mark.join('/')}`),
      expired: (...mark) => void events.push(`expired ${mark.join('/')}`),
    },
    perTargetConcurrency: limit,
    timeoutMsOf: ({ timeoutMs = 100 }) => timeoutMs,
    now: () => clock.now,
  })
  return { scheduler, flights, events, clock }
}

function end(flights: Flight[], failure?: DeliveryFailure, index = 0): { seq: number } {
  const [flight] = flights.splice(index % Math.max(flights.length, 1), 1)
  flight?.done(failure)
  return { seq: flight?.seq ?? -1 }
}

function items(...seqs: number[]): WebhookItem[] {
  return seqs.map((seq) => ({ seq, id: `msg_${seq}`, body: '{}' }))
}

function target(id: string, url = 'http://bot.example/'): WebhookAddress {
  return { id, url, headers: {} }
}
