import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type DeliveryFailure, monotonicMs } from '../transport.js'
import { type Control, SerialTransport } from './serial-transport.js'

const failure: DeliveryFailure = { kind: 'transient', message: 'no' }

test('sends the items of a lane one after another, and lanes concurrently', async () => {
  const { push, carried, events, end } = setUp()
  push(1, 0, 'a', items(1, 2))
  push(1, 0, 'a', items(3))
  push(2, 0, 'b', items(7))
  expect(carried).toEqual(['1/1', '2/7'])
  await end('1/1')
  await end('1/2')
  await end('2/7')
  expect(carried).toEqual(['1/1', '2/7', '1/2', '1/3'])
  await end('1/3')
  expect(events).toEqual(['delivered 1/0/1', 'delivered 1/0/2', 'delivered 2/0/7', 'delivered 1/0/3'])
})

test('forgets the rest of a lane after a failure, and sends later pushes', async () => {
  const { push, carried, events, end } = setUp()
  push(1, 0, 'a', items(1, 2))
  await end('1/1', failure)
  push(1, 1, 'a', items(1))
  await end('1/1')
  expect(carried).toEqual(['1/1', '1/1'])
  expect(events).toEqual(['failed 1/0/1', 'delivered 1/1/1'])
})

test('reports an attempt before its outcome, unless nothing was called and nothing failed', async () => {
  const { push, attempts, events, calls, end } = setUp()
  push(1, 0, 'a', items(1, 2, 3))
  calls()
  calls()
  await end('1/1')
  await end('1/2')
  await end('1/3', failure)
  push(1, 1, 'a', items(3))
  calls()
  await end('1/3', 'withdrawn')
  expect(attempts).toEqual(['1/1 delivered', '1/3 transient'])
  expect(events.slice(0, 3)).toEqual(['delivered 1/0/1', 'delivered 1/0/2', 'failed 1/0/3'])
})

test('confirms a cancel once what is under way has ended', async () => {
  const { transport, push, events, end } = setUp()
  push(1, 4, 'a', items(1, 2))
  transport.cancel(1, 4)
  transport.cancel(9, 2)
  await turn()
  expect(events).toEqual(['cancelled 9/2'])
  await end('1/1')
  expect(events.slice(1)).toEqual(['delivered 1/4/1', 'cancelled 1/4'])
})

test('a cancel aborts waits at once, and an item that was withdrawn is neither delivered nor failed', async () => {
  const { transport, push, carried, events, end, waiting } = setUp()
  push(1, 0, 'a', items(1, 2))
  const [before, other] = [waiting(), setUp()]
  transport.cancel(1, 0)
  expect(before?.aborted).toBe(true)
  await end('1/1', 'withdrawn')
  expect(events).toEqual(['cancelled 1/0'])
  push(1, 1, 'a', items(1))
  expect([carried, waiting()?.aborted]).toEqual([['1/1', '1/1'], false])

  other.push(2, 0, 'b', items(1))
  const late = other.transport.close(1000)
  expect(other.waiting()?.aborted).toBe(true)
  await other.end('2/1', 'withdrawn')
  await late
  expect(other.events).toEqual([])
})

test('reports parts on the way', async () => {
  const { push, events, end, progress } = setUp()
  push(1, 3, 'a', items(5))
  progress('1/5', 1)
  await end('1/5')
  expect(events).toEqual(['progressed 1/3/5 1', 'delivered 1/3/5'])
})

test('close waits for what is under way and starts nothing; after the grace period it aborts and reports nothing', async () => {
  const orderly = setUp()
  orderly.push(1, 0, 'a', items(1, 2))
  const closed = orderly.transport.close(5000)
  await orderly.end('1/1')
  await closed
  expect([orderly.carried, orderly.events]).toEqual([['1/1'], ['delivered 1/0/1']])

  const late = setUp()
  late.push(1, 0, 'a', items(1, 2))
  await late.transport.close(1)
  expect(late.aborted()).toBe(true)
  await late.end('1/1')
  late.push(1, 1, 'a', items(1))
  expect([late.carried, late.events]).toEqual([['1/1'], []])
})

test('an item that was aborted starts no further part, however long the lease lasts', async () => {
  const { transport, push, mayStart } = setUp()
  push(1, 0, 'a', items(1))
  const closed = transport.close(1)
  expect(mayStart()).toBe(true)
  await closed
  expect(mayStart()).toBe(false)
})

describe('the lease of a lane', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'hrtime'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('lets an item start while there are two seconds left, and no longer', async () => {
    const { push, carried, events, end } = setUp()
    push(1, 4, 'a', items(1, 2, 3), monotonicMs() + 10_000)
    vi.advanceTimersByTime(8000)
    await end('1/1')
    expect(carried).toEqual(['1/1', '1/2'])
    vi.advanceTimersByTime(1)
    await end('1/2')
    expect(carried).toEqual(['1/1', '1/2'])
    expect(events).toEqual(['delivered 1/4/1', 'delivered 1/4/2', 'expired 1/4'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('that is over when items are pushed is reported once, after the push', async () => {
    const { push, carried, events } = setUp()
    push(1, 4, 'a', items(1, 2), monotonicMs() + 1999)
    push(1, 4, 'a', items(3), monotonicMs() + 1999)
    expect(events).toEqual([])
    await turn()
    expect([carried, events]).toEqual([[], ['expired 1/4']])
    push(1, 5, 'a', items(1), monotonicMs() + 2000)
    expect(carried).toEqual(['1/1'])
  })

  test.each([
    ['a renewal', 'renew'],
    ['a push with a later end', 'push'],
  ])('is extended by %s, also for the attempt under way', async (_, by) => {
    const { transport, push, carried, events, end, aborted } = setUp()
    push(1, 0, 'a', items(1, 2), monotonicMs() + 5000)
    vi.advanceTimersByTime(3000)
    if (by === 'renew') transport.renew(1, monotonicMs() + 10_000)
    else push(1, 0, 'a', items(3), monotonicMs() + 10_000)
    transport.renew(1, monotonicMs() + 3000)
    transport.renew(2, monotonicMs() + 10_000)
    vi.advanceTimersByTime(8000)
    expect(aborted()).toBe(false)
    await end('1/1')
    expect([carried, events]).toEqual([['1/1', '1/2'], ['delivered 1/0/1']])
  })

  test('aborts the attempt under way one second before it ends, which then fails', async () => {
    const { push, carried, events, end, aborted, waiting, mayStart } = setUp()
    push(1, 0, 'a', items(1, 2), monotonicMs() + 10_000)
    vi.advanceTimersByTime(8000)
    expect(mayStart()).toBe(true)
    vi.advanceTimersByTime(999)
    expect([mayStart(), aborted(), waiting()?.aborted]).toEqual([false, false, false])
    vi.advanceTimersByTime(1)
    expect([aborted(), waiting()?.aborted]).toEqual([true, true])
    await end('1/1', { kind: 'ambiguous', message: 'too late', parts: 1 })
    expect([carried, events]).toEqual([['1/1'], ['failed 1/0/1']])
  })

  test('is reported when an item starts no further part, unless it was cancelled', async () => {
    const { transport, push, events, end } = setUp()
    for (const lane of [1, 2]) push(lane, 0, 'a', items(1, 2), monotonicMs() + 3000)
    transport.cancel(2, 0)
    vi.advanceTimersByTime(2000)
    await end('1/1', 'withdrawn')
    await end('2/1', 'withdrawn')
    expect(events).toEqual(['expired 1/0', 'cancelled 2/0'])
  })

  test('that never ends needs no timer', async () => {
    const { push, end } = setUp()
    push(1, 0, 'a', items(1))
    expect(vi.getTimerCount()).toBe(0)
    await end('1/1')
  })
})

const command = fc.record({
  lane: fc.nat({ max: 2 }),
  do: fc.constantFrom('push', 'push', 'cancel', 'deliver', 'deliver', 'fail' as const),
})

test('in any sequence of calls each lane has one item under way and reports all items in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
      const { transport, push, underway, events, end } = setUp()
      const lanes = [0, 1, 2].map(() => ({
        generation: 0,
        next: 1,
        isDraining: false,
        expected: [] as string[],
      }))
      const settle = async (number: number, outcome?: DeliveryFailure): Promise<void> => {
        const lane = lanes[number]
        const one = [...underway.keys()].find((key) => key.startsWith(`${number}/`))
        if (!lane || !one) return
        const seq = one.slice(2)
        lane.expected.push(`${outcome ? 'failed' : 'delivered'} ${number}/${lane.generation}/${seq}`)
        await end(one, outcome)
        if (lane.isDraining) lane.expected.push(`cancelled ${number}/${lane.generation}`)
        if (lane.isDraining || outcome) lane.generation += 1
        lane.isDraining = false
      }
      for (const { lane: number, do: what } of commands) {
        const lane = lanes[number]
        if (!lane) continue
        if (what === 'push' && !lane.isDraining) {
          push(number, lane.generation, 'a', items(lane.next, lane.next + 1))
          lane.next += 2
        } else if (what === 'cancel' && !lane.isDraining && underway.size > 0) {
          if (![...underway.keys()].some((key) => key.startsWith(`${number}/`))) continue
          transport.cancel(number, lane.generation)
          lane.isDraining = true
        } else if (what === 'deliver') await settle(number)
        else if (what === 'fail') await settle(number, failure)
      }
      for (const number of [0, 1, 2]) {
        for (let i = 0; i < 200 && [...underway.keys()].some((key) => key.startsWith(`${number}/`)); i += 1)
          await settle(number)
        const told = events.filter((event) => event.includes(` ${number}/`))
        expect(told).toEqual(lanes[number]?.expected)
      }
      expect(underway.size).toBe(0)
    }),
  )
})

const items = (...numbers: number[]): { seq: number }[] => numbers.map((seq) => ({ seq }))
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A transport whose deliveries end when the test says so, by `lane/seq`. */
function setUp() {
  const events: string[] = []
  const attempts: string[] = []
  const carried: string[] = []
  const underway = new Map<
    string,
    { end(outcome?: DeliveryFailure | 'withdrawn'): void; progressed(parts: number): void }
  >()
  let control: Control | undefined
  const transport = new SerialTransport<string, { seq: number; lane?: number }>(
    (_, item, given, progressed) =>
      new Promise((end) => {
        control = given
        const key = `${item.lane}/${item.seq}`
        expect([...underway.keys()].filter((other) => other.startsWith(`${item.lane}/`))).toEqual([])
        carried.push(key)
        underway.set(key, { end, progressed })
      }),
  )
  const push = (
    lane: number,
    generation: number,
    address: string,
    items: { seq: number }[],
    leaseEndsAt = Number.POSITIVE_INFINITY,
  ): void =>
    transport.push(
      lane,
      generation,
      address,
      items.map((item) => ({ ...item, lane })),
      leaseEndsAt,
    )
  transport.start({
    attempted: (lane, seq, { failure }) => attempts.push(`${lane}/${seq} ${failure?.kind ?? 'delivered'}`),
    delivered: (...what) => events.push(`delivered ${what.join('/')}`),
    failed: (lane, generation, seq) => events.push(`failed ${lane}/${generation}/${seq}`),
    cancelled: (...what) => events.push(`cancelled ${what.join('/')}`),
    expired: (...what) => events.push(`expired ${what.join('/')}`),
    progressed: (lane, generation, seq, parts) =>
      events.push(`progressed ${lane}/${generation}/${seq} ${parts}`),
  })
  return {
    ...{ transport, push, events, attempts, carried, underway },
    calls: () => control?.calls(),
    aborted: () => control?.signal.aborted,
    waiting: () => control?.waiting,
    mayStart: () => control?.mayStart(),
    progress: (key: string, parts: number) => underway.get(key)?.progressed(parts),
    async end(key: string, outcome?: DeliveryFailure | 'withdrawn') {
      const one = underway.get(key)
      underway.delete(key)
      one?.end(outcome)
      await turn()
    },
  }
}
