import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { type Control, SerialTransport } from './serial-transport.js'
import type { DeliveryFailure } from './transport.js'

const failure: DeliveryFailure = { kind: 'transient', message: 'no' }

test('carries the items of a lane one after another, and lanes beside each other', async () => {
  const { transport, carried, events, end } = setUp()
  transport.push(1, 0, 'a', items(1, 2))
  transport.push(1, 0, 'a', items(3))
  transport.push(2, 0, 'b', items(7))
  expect(carried).toEqual(['1/1', '2/7'])
  await end('1/1')
  await end('1/2')
  await end('2/7')
  expect(carried).toEqual(['1/1', '2/7', '1/2', '1/3'])
  await end('1/3')
  expect(events).toEqual(['delivered 1/0/1', 'delivered 1/0/2', 'delivered 2/0/7', 'delivered 1/0/3'])
})

test('carries in many lanes at once without a warning of a leak', async () => {
  const warned = vi.spyOn(process, 'emitWarning')
  const signals: AbortSignal[] = []
  const transport = new SerialTransport<string, { seq: number }>(async (_, __, { signal }) => {
    signal.addEventListener('abort', () => undefined)
    signals.push(signal)
    return undefined
  })
  for (let lane = 0; lane < 20; lane += 1) transport.push(lane, 0, 'a', items(1))
  await turn()
  expect(signals).toHaveLength(20)
  expect(warned).not.toHaveBeenCalled()
})

test('forgets the rest of a lane after a failure, and takes up what comes then', async () => {
  const { transport, carried, events, end } = setUp()
  transport.push(1, 0, 'a', items(1, 2))
  await end('1/1', failure)
  transport.push(1, 1, 'a', items(1))
  await end('1/1')
  expect(carried).toEqual(['1/1', '1/1'])
  expect(events).toEqual(['failed 1/0/1', 'delivered 1/1/1'])
})

test('confirms a cancel once what is under way has ended', async () => {
  const { transport, events, end } = setUp()
  transport.push(1, 4, 'a', items(1, 2))
  transport.cancel(1, 4)
  transport.cancel(9, 2)
  await turn()
  expect(events).toEqual(['cancelled 9/2'])
  await end('1/1')
  expect(events.slice(1)).toEqual(['delivered 1/4/1', 'cancelled 1/4'])
})

test('what waits is told of a cancel at once, and one that was withdrawn is neither delivered nor failed', async () => {
  const { transport, carried, events, end, waiting } = setUp()
  transport.push(1, 0, 'a', items(1, 2))
  const [before, other] = [waiting(), setUp()]
  transport.cancel(1, 0)
  expect(before?.aborted).toBe(true)
  await end('1/1', 'withdrawn')
  expect(events).toEqual(['cancelled 1/0'])
  transport.push(1, 1, 'a', items(1))
  expect([carried, waiting()?.aborted]).toEqual([['1/1', '1/1'], false])

  other.transport.push(2, 0, 'b', items(1))
  const late = other.transport.close(1000)
  expect(other.waiting()?.aborted).toBe(true)
  await other.end('2/1', 'withdrawn')
  await late
  expect(other.events).toEqual([])
})

test('tells of parts on the way', async () => {
  const { transport, events, end, progress } = setUp()
  transport.push(1, 3, 'a', items(5))
  progress('1/5', 1)
  await end('1/5')
  expect(events).toEqual(['progressed 1/3/5 1', 'delivered 1/3/5'])
})

test('closing waits for what is under way and begins nothing, and after its time aborts and is silent', async () => {
  const orderly = setUp()
  orderly.transport.push(1, 0, 'a', items(1, 2))
  const closed = orderly.transport.close(5000)
  await orderly.end('1/1')
  await closed
  expect([orderly.carried, orderly.events]).toEqual([['1/1'], ['delivered 1/0/1']])

  const late = setUp()
  late.transport.push(1, 0, 'a', items(1, 2))
  await late.transport.close(1)
  expect(late.aborted()).toBe(true)
  await late.end('1/1')
  late.transport.push(1, 1, 'a', items(1))
  expect([late.carried, late.events]).toEqual([['1/1'], []])
})

const command = fc.record({
  lane: fc.nat({ max: 2 }),
  do: fc.constantFrom('push', 'push', 'cancel', 'deliver', 'deliver', 'fail' as const),
})

test('whatever is asked, each lane has one thing under way, and is told in order of all that it was given', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
      const { transport, underway, events, end } = setUp()
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
          transport.push(number, lane.generation, 'a', items(lane.next, lane.next + 1))
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
  const push = transport.push.bind(transport)
  vi.spyOn(transport, 'push').mockImplementation((lane, generation, address, items) =>
    push(
      lane,
      generation,
      address,
      items.map((item) => ({ ...item, lane })),
    ),
  )
  transport.start({
    delivered: (...what) => events.push(`delivered ${what.join('/')}`),
    failed: (lane, generation, seq) => events.push(`failed ${lane}/${generation}/${seq}`),
    cancelled: (...what) => events.push(`cancelled ${what.join('/')}`),
    progressed: (lane, generation, seq, parts) =>
      events.push(`progressed ${lane}/${generation}/${seq} ${parts}`),
  })
  return {
    ...{ transport, events, carried, underway },
    aborted: () => control?.signal.aborted,
    waiting: () => control?.waiting(),
    progress: (key: string, parts: number) => underway.get(key)?.progressed(parts),
    async end(key: string, outcome?: DeliveryFailure | 'withdrawn') {
      const one = underway.get(key)
      underway.delete(key)
      one?.end(outcome)
      await turn()
    },
  }
}
