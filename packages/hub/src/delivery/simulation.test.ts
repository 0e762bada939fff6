import { newId } from '@plugboard/core'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Mood, moods } from '../../test/support/moods.js'
import { UNRENDERABLE, World } from '../../test/support/world.js'
import { endpointTarget, type Target, webhookTarget } from '../log/target.js'

const STREAMS = 5
/** For a hunt: some thousands. */
const RUNS = 150

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

type Step =
  | { do: 'append'; stream: number; targets: readonly number[]; chars: number; isBroken?: boolean }
  | { do: 'mood'; target: number; mood: Mood }
  | { do: 'status'; target: number; status: 'here' | 'gone' | 'paused' | 'lost' }
  | { do: 'delete'; stream: number; which: number }
  | { do: 'delete-all'; stream: number }
  | { do: 'replay'; which: number; to: number }
  | { do: 'step'; count: number }
  | { do: 'pass'; ms: number }
  | { do: 'crash' }
  | { do: 'stop'; graceMs: number }
  | { do: 'fail-store'; count: number }

const stream = fc.nat({ max: STREAMS - 1 })
const target = fc.nat({ max: 3 })

const append = fc.record({
  do: fc.constant('append' as const),
  stream,
  targets: fc.uniqueArray(target, { maxLength: 3 }),
  chars: fc.integer({ min: 1, max: 600 }),
  isBroken: fc.integer({ min: 0, max: 3 }).map((one) => one === 0),
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: append },
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant('step' as const), count: fc.integer({ min: 1, max: 12 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('mood' as const), target, mood: fc.constantFrom(...moods) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 5000 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('status' as const),
      target,
      status: fc.constantFrom('here', 'gone', 'paused', 'lost'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), stream, which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete-all' as const), stream }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replay' as const), which: fc.nat(), to: target }) },
  { weight: 1, arbitrary: fc.constant({ do: 'crash' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('stop' as const), graceMs: fc.constantFrom(0, 500, 20_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('fail-store' as const), count: fc.integer({ min: 1, max: 3 }) }),
  },
)

const steps = fc.array(step, { maxLength: 80, size: 'max' })

/**
 * Found once in many thousand runs, and tried in each since: an entry that comes in while its stream is being given back,
 * and is deleted before that is answered.
 */
const deletedWhileGivenBack: [number, Step[]] = [
  -2147483103,
  [
    { do: 'pass', ms: 1001 },
    { do: 'append', stream: 0, targets: [], chars: 1 },
    { do: 'append', stream: 0, targets: [], chars: 1 },
    { do: 'append', stream: 1, targets: [0], chars: 1 },
    { do: 'append', stream: 3, targets: [3], chars: 1 },
    { do: 'append', stream: 3, targets: [0], chars: 1 },
    { do: 'step', count: 4 },
    { do: 'delete-all', stream: 3 },
    { do: 'status', target: 3, status: 'paused' },
    { do: 'step', count: 1 },
    { do: 'step', count: 1 },
    { do: 'status', target: 0, status: 'here' },
    { do: 'append', stream: 1, targets: [], chars: 1 },
  ],
]

test('whatever happens, all that is owed is settled, in order, and nothing is repeated without need', async () => {
  const property = fc.asyncProperty(fc.integer(), steps, async (seed, steps) => {
    const targets = [
      ...[webhookTarget(newId()), webhookTarget(newId())],
      ...[endpointTarget(newId()), endpointTarget(newId())],
    ]
    const world = new World({ seed, targets, late: targets.slice(1, 2), streams: STREAMS })
    for (const each of steps) await take(world, targets, each)
    await recover(world, targets)
    expect(world.faults).toEqual([])
    expect(world.forgotten).toEqual([])
    expect(world.isAtRest).toBe(true)
    await idles(world)
  })
  property.beforeEach(() => {
    vi.clearAllTimers()
    vi.setSystemTime('2026-11-22T08:00:00Z')
  })
  await fc.assert(property, { numRuns: RUNS, examples: [deletedWhileGivenBack] })
}, 120_000)

async function take(world: World, targets: readonly Target[], step: Step): Promise<void> {
  const row = 'stream' in step ? world.streams[step.stream] : undefined
  const target = 'target' in step ? targets[step.target] : undefined
  // What is asked for fails with the store, and is forgotten with the process.
  const forget = (promise: Promise<unknown>): void => void promise.catch(() => undefined)
  switch (step.do) {
    case 'append':
      if (row)
        forget(
          world.append(
            row,
            step.targets.flatMap((i) => targets[i] ?? []),
            (step.isBroken ? UNRENDERABLE : 'x').repeat(step.chars),
          ),
        )
      return
    case 'mood':
      if (target) world.place(target).mood = step.mood
      return
    case 'status':
      if (target) forget(world.setStatus(target, step.status))
      return
    case 'delete': {
      const entry = row?.entries[step.which % row.entries.length]
      if (row && entry) forget(world.delete(row, entry.id))
      return
    }
    case 'delete-all':
      if (row) forget(world.delete(row, 'all'))
      return
    case 'replay': {
      const dead = world.streams.flatMap(({ entries }) =>
        entries.flatMap((entry) =>
          Object.keys(entry.dead ?? {}).map((key) => ({ entry, target: key as Target })),
        ),
      )
      const one = dead[step.which % dead.length]
      if (one) forget(world.replay(one.entry, one.target, targets[step.to]))
      return
    }
    case 'step':
      return world.step(step.count)
    case 'pass':
      return world.pass(step.ms)
    case 'crash':
      return world.crash()
    case 'stop':
      return world.stop(step.graceMs)
    case 'fail-store':
      world.storeLink.failures = step.count
  }
}

/** All is well again. Everything has to come to an end in the time that the schedules and the gates take. */
async function recover(world: World, targets: readonly Target[]): Promise<void> {
  world.storeLink.failures = 0
  for (const target of targets) world.place(target).mood = 'well'
  await world.pass(20_000)
  for (const target of targets) {
    if (world.place(target).status !== 'gone') void world.setStatus(target, 'here')
  }
  for (let minutes = 0; minutes === 0 || (minutes < 5 && !world.isAtRest); minutes += 1)
    await world.pass(60_000)
}

/** At rest it asks the store what is due, and does nothing else. */
async function idles(world: World): Promise<void> {
  const before = world.storeLink.calls
  await world.pass(10_000)
  expect(world.storeLink.calls - before).toBeLessThanOrEqual(12)
}
