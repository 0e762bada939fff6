import { newId } from '@plugboard/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LEASE_MS, type StreamRow } from '../../test/support/memory-store.js'
import { TIMEOUT_MS } from '../../test/support/moods.js'
import { UNRENDERABLE, World, type WorldOptions } from '../../test/support/world.js'
import { endpointTarget, type Target, webhookTarget } from '../log/target.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  vi.setSystemTime(START)
})
afterEach(() => {
  vi.useRealTimers()
})

/** When each test begins. */
const START = Date.parse('2026-11-22T08:00:00Z')
const gate = { items: 4, bytes: 100_000, failures: 3, pauseMs: 1000, maxPauseMs: 8000 }
const [a, b, c] = [webhookTarget(newId()), webhookTarget(newId()), endpointTarget(newId())]

test('gives entries to their targets, each target in order', async () => {
  const { world, row } = setUp()
  for (let i = 0; i < 20; i += 1) void world.append(row, i % 2 ? [a, c] : [a, b])
  await world.still()
  expect(got(world, a)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  expect(got(world, b)).toEqual(Array.from({ length: 10 }, (_, i) => 2 * i + 1))
  expect(world.isAtRest).toBe(true)
})

test('a target that hangs holds up no other target of the stream, nor its retries', async () => {
  const { world, row } = setUp()
  world.place(a).mood = 'hangs'
  world.place(b).mood = 'transient'
  await grow(world, world.append(row, [a, b]))
  world.place(b).mood = 'well'
  await world.pass(1500)
  expect(got(world, b)).toEqual([1])
  expect(got(world, a)).toEqual([])
})

test.each([
  ['at once', []],
  ['after a look at the store', [a]],
])(
  'an entry that cannot be rendered %s is dead in its turn, and what comes after it waits',
  async (_, late) => {
    const { world, row } = setUp({ late })
    world.place(a).mood = 'slow'
    for (const payload of ['x', UNRENDERABLE, 'x']) void world.append(row, [a, b, c], payload)
    await world.still()
    // An entry that is appended while the one before it is under way waits, too.
    await grow(world, world.append(row, [a, b, c]))
    expect([got(world, a), got(world, b), got(world, c)]).toEqual([[], [1, 3, 4], [1, 2, 3, 4]])
    expect(row.entries[1]?.dead?.[a]).toBe(undefined)
    // A look at the store may fail, and is then repeated after a second.
    for (let i = 0; i < 4; i += 1) await world.pass(1000)
    expect(got(world, a)).toEqual([1, 3, 4])
    expect(row.entries[1]?.dead).toMatchObject({
      [a]: { reason: 'invalid', attempts: 1, error: 'it cannot be rendered' },
      [b]: { reason: 'invalid', attempts: 1 },
    })
    expect(row.entries[1]?.dead?.[c]).toBe(undefined)
    expect([world.faults, world.isAtRest]).toEqual([[], true])
  },
)

test('a target that cannot be resolved holds up no other target of the stream', async () => {
  const { world, row } = setUp()
  world.place(a).status = 'lost'
  for (let i = 0; i < 3; i += 1) void world.append(row, [a, b])
  await world.still()
  expect(got(world, b)).toEqual([1, 2, 3])
  world.place(a).status = 'here'
  await world.pass(1001)
  expect(got(world, a)).toEqual([1, 2, 3])
  expect([world.faults, world.isAtRest]).toEqual([[], true])
})

test('an entry that is appended while its stream is releasing is delivered immediately, and once', async () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const { world, row } = setUp({ seed })
    for (let i = 0; i < 8; i += 1) {
      void world.append(row, [a])
      await world.step(seed % 13)
    }
    await world.still()
    expect(got(world, a)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect([world.faults, world.isAtRest]).toEqual([[], true])
    vi.clearAllTimers()
  }
})

test('when a target asks for a pause, deliveries that have not started are withdrawn', async () => {
  const { world } = setUp({ streams: 2, isOrderly: true })
  const [limited, other] = world.streams as [StreamRow, StreamRow]
  world.place(a).mood = 'rate-limited'
  void world.append(limited, [a])
  for (let i = 0; i < 4; i += 1) void world.append(other, [a])
  while (world.requests.length === 0) await world.step(1)
  world.place(a).mood = 'well'
  await world.pass(2000)
  expect(world.requests.length).toBeLessThanOrEqual(3)
  await world.pass(3000)
  expect(got(world, a).length).toBe(5)
})

test.each([
  [4, 2],
  [128, 3],
  [256, 6],
])(
  'with room for %i entries, %i streams with a long backlog leave room to one with a single entry',
  async (items, count) => {
    const roomy = { ...gate, items }
    const { world } = setUp({
      streams: count + 1,
      limits: { gate: roomy, streams: 20, streamsPerClient: 20 },
    })
    const [short, ...long] = [...world.streams].reverse() as [StreamRow, ...StreamRow[]]
    for (const row of long) for (let i = 0; i < 600; i += 1) world.store.append(appendOf(world, row.streamId))
    vi.advanceTimersToNextTimer()
    while (world.arrivals.length < 2 * items) await world.step(1)
    void world.append(short, [a])
    await world.still()
    const place = world.arrivals.findIndex(({ streamId }) => streamId === short.streamId)
    expect(place).toBeLessThan(5 * items)
    const half = world.arrivals.slice(0, 300 * count)
    const shares = long.map((row) => half.filter(({ streamId }) => streamId === row.streamId).length)
    expect(Math.min(...shares)).toBeGreaterThan(150)
    expect([got(world, a).length, world.faults]).toEqual([600 * count + 1, []])
  },
)

test('calls to a target that is down stop, then one entry probes it', async () => {
  const { world } = setUp({ streams: 3 })
  world.place(a).mood = 'transient'
  for (const row of world.streams) void world.append(row, [a])
  await world.still()
  expect(world.requests.length).toBe(3)
  const before = Date.now()
  await world.pass(900)
  expect(world.requests.length).toBe(Date.now() - before >= 1000 ? 4 : 3)
  world.place(a).mood = 'well'
  await world.pass(5000)
  expect(got(world, a)).toEqual([1, 1, 1])
})

test('streams of a client at its limit follow at once when others end', async () => {
  const { world } = setUp({ streams: 30 })
  world.place(a).mood = 'slow'
  for (const row of world.streams) world.store.append(appendOf(world, row.streamId))
  await world.pass(3000)
  expect(got(world, a).length).toBe(30)
})

test('the entries of a removed target become dead letters, and other lanes of the stream continue', async () => {
  const { world, row } = setUp()
  world.place(a).status = 'gone'
  for (let i = 0; i < 500; i += 1) world.store.append(appendOf(world, row.streamId, [a, b]))
  vi.advanceTimersToNextTimer()
  await world.step(400)
  expect(got(world, b).length).toBeGreaterThan(0)
  expect(row.entries.some(({ dead }) => !dead)).toBe(true)
  await world.still()
  expect(got(world, b).length).toBe(500)
  for (const { dead } of row.entries)
    expect(dead?.[a]).toMatchObject({ reason: 'target-removed', attempts: 0 })
  expect(world.isAtRest).toBe(true)
})

test('a reserved number without an entry holds the stream up until its entry comes', async () => {
  const { world, row } = setUp()
  const read = world.store.readEntries
  let isThere = false
  world.store.readEntries = (...input) => (isThere ? read.apply(world.store, input) : [])
  await grow(world, world.append(row, [a], 'x'.repeat(70_000)))
  await world.pass(1200)
  expect(got(world, a)).toEqual([])
  isThere = true
  await world.pass(1000)
  expect(got(world, a)).toEqual([1])
})

test('lanes that want the same entry at once share one read of it', async () => {
  const { world, row } = setUp()
  void world.append(row, [a, b, c], 'x'.repeat(70_000))
  while (row.entries.length === 0) await world.step(1)
  world.storeLink.hang()
  await world.still()
  expect(world.storeLink.methods.filter((method) => method === 'readEntries').length).toBe(1)
  world.storeLink.answer()
  await world.pass(3000)
  expect([a, b, c].map((target) => got(world, target))).toEqual([[1], [1], [1]])
})

test('refused credentials that pause nothing are tried again after a pause', async () => {
  const { world, row } = setUp({ refused: async () => undefined })
  world.place(c).mood = 'auth'
  await grow(world, world.append(row, [c]))
  await world.pass(5000)
  expect(world.requests.length).toBeGreaterThan(1)
  expect(world.requests.length).toBeLessThan(10)
})

test('a change of the configuration takes effect even if the store fails to wake the client', async () => {
  const { world, row } = setUp()
  world.place(a).mood = 'slow'
  void world.append(row, [a])
  void world.append(row, [a])
  await world.still()
  world.storeLink.failures = 1
  const changed = world.setStatus(a, 'paused')
  changed.catch(() => undefined)
  await world.pass(30_000)
  await expect(changed).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  expect(got(world, a)).toEqual([1])
})

test('a poll that is under way while the process stops leaves no stream behind', async () => {
  for (let steps = 0; steps < 6; steps += 1) {
    const { world } = setUp({ streams: 3 })
    for (const row of world.streams) world.store.append(appendOf(world, row.streamId))
    vi.advanceTimersToNextTimer()
    await world.step(steps)
    const stopped = world.dispatcher.stop(1000).then(() => world.tasks.size)
    await world.pass(1001)
    expect(await stopped).toBe(0)
    expect(world.streams.filter(({ holder }) => holder !== undefined)).toEqual([])
    vi.clearAllTimers()
  }
})

test('a stream that meets a fault in this program is taken up again, and no other waits for it', async () => {
  const { world, row } = setUp({ streams: 2 })
  world.pushFaults = 1
  void world.append(row, [a])
  await world.still()
  void world.append(world.streams[1] as StreamRow, [a])
  await world.pass(500)
  expect(got(world, a)).toHaveLength(1)
  await world.pass(61_000)
  await world.pass(5000)
  expect(got(world, a)).toHaveLength(2)
  expect([world.faults, world.isAtRest]).toEqual([[], true])
})

test('after a failed mark, its stream continues within two seconds', async () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const { world, row } = setUp({ seed })
    world.place(a).mood = 'slow'
    void world.append(row, [a])
    await world.still()
    void world.append(row, [a])
    await world.still()
    world.storeLink.failures = 1
    const before = Date.now()
    await world.pass(2000)
    expect(got(world, a)).toEqual([1, 2])
    expect(Date.now() - before).toBeLessThan(2500)
    await world.pass(2000)
    expect([world.faults, world.isAtRest]).toEqual([[], true])
    vi.clearAllTimers()
  }
})

test('a stream whose append failed after it had taken the lease continues within two seconds', async () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const { world, row } = setUp({ seed })
    world.storeLink.failures = 1
    await expect(grow(world, world.append(row, [a]))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await world.pass(2000)
    expect(got(world, a)).toEqual(row.entries.map(({ seq }) => seq))
    expect([world.faults, world.isAtRest]).toEqual([[], true])
    vi.clearAllTimers()
  }
})

test('nothing starts after the end of the lease, however much was handed over before', async () => {
  const leaseMs = 4 * TIMEOUT_MS
  const { world, row } = setUp({ leaseMs, limits: { gate: { ...gate, items: 64 } } })
  world.place(a).mood = 'late'
  for (let i = 0; i < 20; i += 1) void world.append(row, [a])
  await world.still()
  world.storeLink.hang()
  await world.pass(3 * leaseMs)
  expect(Math.max(...world.starts)).toBeLessThanOrEqual(START + leaseMs - TIMEOUT_MS)
  world.storeLink.answer()
  world.place(a).mood = 'well'
  await world.pass(10 * TIMEOUT_MS)
  expect(world.faults).toEqual([])
  expect(new Set(got(world, a)).size).toBe(20)
})

test.each([1, 2, 3, 4, 5])(
  'a failure after the end of the lease buries nothing that another process has (%s)',
  async (seed) => {
    const { world, row } = setUp({ seed, processes: 2 })
    const [frozen] = world.processes
    world.place(a).mood = 'hangs'
    void world.append(row, [a], 'x', frozen)
    await world.still()
    if (frozen) frozen.isFrozen = true
    world.place(a).mood = 'well'
    await world.pass(LEASE_MS + 2000)
    expect(got(world, a)).toContain(1)
    frozen?.thaw()
    await world.pass(2000)
    expect(row.entries[0]?.dead).toBe(undefined)
    expect([world.faults, world.isAtRest]).toEqual([[], true])
  },
)

test('a dead letter that could not be stored within the lease is left to the next holder', async () => {
  const { world, row } = setUp({ processes: 2 })
  const [cut] = world.processes
  world.place(a).mood = 'invalid'
  void world.append(row, [a], 'x', cut)
  while (world.requests.length === 0) await world.step(1)
  if (cut) cut.link.isCut = true
  await world.pass(LEASE_MS - 1000)
  world.place(a).mood = 'well'
  await world.pass(5000)
  expect(got(world, a)).toEqual([1])
  if (cut) cut.link.isCut = false
  await world.pass(10_000)
  expect(row.entries[0]?.dead).toBe(undefined)
  expect([world.faults, world.isAtRest]).toEqual([[], true])
})

test('a lease that is renewed during a slow request keeps the queue going', async () => {
  const { world, row } = setUp({ leaseMs: 4 * TIMEOUT_MS, limits: { gate: { ...gate, items: 64 } } })
  world.place(a).mood = 'late'
  for (let i = 0; i < 20; i += 1) void world.append(row, [a])
  await world.pass(40 * TIMEOUT_MS)
  expect(got(world, a)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  expect([row.takeovers, world.requests.length, world.faults]).toEqual([0, 20, []])
})

test('a process that stops gives every stream back, also those whose requests it cuts off', async () => {
  const { world, row } = setUp({ streams: 2 })
  world.place(a).mood = 'hangs'
  void world.append(row, [a])
  void world.append(world.streams[1] as StreamRow, [a, b])
  await world.still()
  await world.stop(500)
  expect(world.released.map(({ holder }) => holder)).toEqual([undefined, undefined])
  expect(world.faults).toEqual([])
})

test('when a target answers again, the other lanes of its gate continue, without a call of the store', async () => {
  const { world } = setUp({ streams: 3, limits: { streams: 10, streamsPerClient: 10 } })
  const [one, two, other] = world.streams as [StreamRow, StreamRow, StreamRow]
  world.place(b).mood = 'hangs'
  world.place(a).mood = 'transient'
  for (const row of [one, two]) void world.append(row, [a, b])
  void world.append(other, [b])
  await world.pass(3000)
  world.place(a).mood = 'well'
  const before = world.storeLink.methods.filter((method) => method === 'wakeClient').length
  await world.pass(9000)
  expect(got(world, a)).toEqual([1, 1])
  expect(world.storeLink.methods.filter((method) => method === 'wakeClient')).toHaveLength(before)
})

function setUp(options: Partial<WorldOptions> = {}) {
  const world = new World({ seed: 1, targets: [a, b, c], ...options })
  const [row] = world.streams
  if (!row) throw new Error('there is no stream')
  return { world, row }
}

/** An append that the dispatcher does not see: it finds the stream in the store. */
const appendOf = (
  { clientId }: World,
  streamId: World['streams'][0]['streamId'],
  owes: readonly Target[] = [a],
) => ({
  ...{ clientId, streamId, kind: 'conversation' as const, resolve: () => ({ owes }) },
  entry: { id: newId(), type: 'message' as const, payload: 'x', at: new Date(), claim: false },
})

/** The numbers of the entries that a target has in full, in order. */
const got = ({ arrivals }: World, target: Target): number[] =>
  arrivals.filter((one) => one.target === target && one.part === (target === c ? 1 : 0)).map(({ seq }) => seq)

/** Lets everything happen until a promise is kept. */
async function grow<T>(world: World, promise: Promise<T>): Promise<T> {
  await world.still()
  return promise
}
