import { newId } from '@plugboard/core'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Mood, moods } from '../../test/support/moods.js'
import { UNRENDERABLE, World } from '../../test/support/world.js'
import { endpointTarget, type Target, webhookTarget } from '../log/target.js'

const STREAMS = 5

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
  | { do: 'crash'; process: number }
  | { do: 'stop'; process: number; graceMs: number }
  | { do: 'freeze'; process: number }
  | { do: 'thaw'; process: number }
  | { do: 'fail-store'; process: number; count: number }
  | { do: 'hang-store'; process: number }
  | { do: 'answer-store'; process: number }

const stream = fc.nat({ max: STREAMS - 1 })
const target = fc.nat({ max: 3 })
const which = fc.nat({ max: 2 })

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
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), process: which }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('freeze' as const, 'thaw' as const, 'hang-store' as const, 'answer-store' as const),
      process: which,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 20_000, max: 70_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('stop' as const),
      process: which,
      graceMs: fc.constantFrom(0, 500, 20_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('fail-store' as const),
      process: which,
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
)

const steps = fc.array(step, { maxLength: 80, size: 'max' })
/** No process stops, dies or freezes, and nothing outlasts a lease. */
const hiccups = steps.map((all) =>
  all.filter((each) => !['crash', 'stop', 'freeze'].includes(each.do) && !('ms' in each && each.ms > 5000)),
)
/** Maximum duration of all deliveries after the store and all targets have recovered: a hung request, a schedule, an open circuit. */
const GO_ON_MS = 35_000

/**
 * Found once in many thousand runs, and tried in each since: an entry that comes in while its stream is being given back,
 * and is deleted before that is answered.
 */
const deletedWhileGivenBack: [{ seed: number; processes: number }, Step[]] = [
  { seed: -2147483103, processes: 1 },
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

/** Longer than all runs take, however many. */
const HOUR_MS = 3_600_000

const named = fc.record({ seed: fc.integer(), processes: fc.integer({ min: 1, max: 3 }) })

test('whatever happens, everything is delivered, in order, by the holder of the lease, and nothing is repeated without need', async () => {
  await hold(steps, async ({ seed, processes }, taken) => {
    const { world, targets } = build(seed, processes)
    for (const each of taken) await take(world, targets, each)
    await recover(world, targets, 5 * 60_000)
    expect(world.faults).toEqual([])
    expect(world.forgotten).toEqual([])
    expect(world.isAtRest).toBe(true)
    await idles(world)
  })
})

test('after the store has failed or hung, holders that are alive continue within seconds', async () => {
  await hold(hiccups, async ({ seed, processes }, taken) => {
    const { world, targets } = build(seed, processes)
    for (const each of taken) await take(world, targets, each)
    // The end of the lease is farther away than the longest schedule.
    await recover(world, targets, GO_ON_MS)
    expect(world.faults).toEqual([])
    expect(world.forgotten).toEqual([])
    expect(world.isAtRest).toBe(true)
  })
})

async function hold(
  steps: fc.Arbitrary<Step[]>,
  prove: (world: { seed: number; processes: number }, steps: Step[]) => Promise<void>,
): Promise<void> {
  const property = fc.asyncProperty(named, steps, prove)
  property.beforeEach(() => {
    vi.clearAllTimers()
    vi.setSystemTime('2026-11-22T08:00:00Z')
  })
  await fc.assert(property, { examples: [deletedWhileGivenBack], interruptAfterTimeLimit: HOUR_MS })
}

function build(seed: number, processes: number): { world: World; targets: Target[] } {
  const targets = [
    ...[webhookTarget(newId()), webhookTarget(newId())],
    ...[endpointTarget(newId()), endpointTarget(newId())],
  ]
  return {
    targets,
    world: new World({ seed, targets, late: targets.slice(1, 2), streams: STREAMS, processes }),
  }
}

async function take(world: World, targets: readonly Target[], step: Step): Promise<void> {
  const row = 'stream' in step ? world.streams[step.stream] : undefined
  const target = 'target' in step ? targets[step.target] : undefined
  // What is asked for fails with the store, and is forgotten with the process.
  const forget = (promise: Promise<unknown>): void => void promise.catch(() => undefined)
  const process = 'process' in step ? world.processes[step.process % world.processes.length] : undefined
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
      return world.crash(process)
    case 'stop':
      return world.stop(step.graceMs, process)
    case 'freeze':
      if (process) process.isFrozen = true
      return
    case 'thaw':
      return process?.thaw()
    case 'fail-store':
      if (process) process.link.failures = step.count
      return
    case 'hang-store':
      return process?.link.hang()
    case 'answer-store':
      return process?.link.answer()
  }
}

/** The store and all targets recover. Every delivery must end within this time. */
async function recover(world: World, targets: readonly Target[], withinMs: number): Promise<void> {
  for (const target of targets) world.place(target).mood = 'well'
  for (const process of world.processes) {
    process.link.failures = 0
    process.link.answer()
    process.thaw()
  }
  // Credentials that were refused pause their target in this time at the latest.
  await world.pass(2000)
  // Whoever changes a configuration does so again when that failed.
  for (const target of targets)
    void world.setStatus(target, world.place(target).status === 'gone' ? 'gone' : 'here')
  for (let left = withinMs; left > 0 && !world.isAtRest; left -= 5000) await world.pass(Math.min(5000, left))
}

/** Without work, a process polls the store and does nothing else. */
async function idles(world: World): Promise<void> {
  const calls = (): number => world.processes.reduce((sum, { link }) => sum + link.calls, 0)
  const before = calls()
  await world.pass(10_000)
  expect(calls() - before).toBeLessThanOrEqual(12 * world.processes.length)
}
