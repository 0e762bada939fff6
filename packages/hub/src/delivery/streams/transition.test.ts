import { type Id, newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import type { Entry } from '../../log/entry.js'
import type { Claimed } from '../../log/progress.js'
import { replayLane, type Target, webhookTarget } from '../../log/target.js'
import type { Batch, TargetConfig } from '../targets/target-config.js'
import { type Context, type Effect, openStream, type Stream, type StreamEvent } from './stream.js'
import { Transitions, transition } from './transition.js'

const NOW = new Date('2026-11-22T08:00:00Z')
const clientId = newId()
const streamId = newId()
const target = webhookTarget(newId())
const other = webhookTarget(newId())

test('an entry goes from the store to the transport in steps, each an effect and its result', () => {
  const story = begin({ seq: 1 })
  expect(story.does({ type: 'tick' })).toEqual(['scan', 'set-timer'])
  expect(story.does({ type: 'scanned', entries: [entry(1)] })).toEqual(['resolve'])
  expect(story.does(resolved())).toEqual(['take'])
  expect(story.does(taken(story, [entry(1)]))).toEqual(['render'])
  expect(story.does(story.result('rendered', { batch: batchOf(1) }))).toEqual(['push'])
  expect(story.lane).toMatchObject({ step: 'ready', sent: 1, done: 0, taken: 1 })
  expect(story.does({ type: 'delivered', key: target, generation: 0, seq: 1 })).toEqual([
    ...['free-room', 'close', 'mark', 'set-timer'],
  ])
  expect(story.effect('mark')).toMatchObject({ mark: { scanned: 1, lanes: {}, nextAt: null } })
  expect(story.stream.phase).toBe('releasing')
  expect(story.does(marked(story, 1))).toEqual(['end'])
  expect(story.effect('end')).toMatchObject({ outcome: { nextAt: null, isLost: false } })
})

test('a failure is one transition: earlier deliveries, the count at the gate, the freed room, the retry', () => {
  const story = sending(2)
  const failure = { kind: 'transient', message: 'no' } as const
  expect(story.does({ type: 'failed', key: target, generation: 0, seq: 2, failure })).toEqual([
    ...['free-room', 'count-failure', 'free-room', 'report-retry', 'mark', 'set-timer'],
  ])
  expect(story.lane).toMatchObject({ done: 1, attempt: 1, generation: 1, underway: [], error: 'no' })
  expect(story.effect('mark')).toMatchObject({ mark: { nextAt: story.lane?.blockedUntil } })
})

test('a failure without a status is retried, whatever the format says of statuses', () => {
  const story = sending(1, { ...config, isFinal: () => true, isGone: () => true })
  const failure = { kind: 'transient', message: 'connection refused' } as const
  story.does({ type: 'failed', key: target, generation: 0, seq: 1, failure })
  expect(story.effect('report-retry')).toMatchObject({ attempts: 1 })
  expect(story.lane?.step).toBe('ready')
})

test('reports about an earlier generation, and results of an earlier step, change nothing', () => {
  const story = sending(1)
  story.does({ type: 'changed' })
  expect(story.lane).toMatchObject({ step: 'draining' })
  story.does({ type: 'cancelled', key: target, generation: 0 })
  const before = story.stream.lanes.get(target)
  story.does({ type: 'delivered', key: target, generation: 0, seq: 1 })
  story.does({ type: 'rendered', key: target, stepId: 0, batch: batchOf(1) })
  expect(story.stream.lanes.get(target)).toEqual(before)
})

test('room that was taken at a gate for an outdated step is freed', () => {
  const story = begin({ seq: 1 })
  story.does({ type: 'tick' })
  story.does({ type: 'scanned', entries: [entry(1)] })
  story.does(resolved())
  const late = taken(story, [entry(1)])
  story.does({ type: 'changed' })
  expect(story.does(late)).toContain('free-room')
})

test('room that was taken at a gate for a stream that has ended is freed', () => {
  const story = begin({ seq: 1 })
  story.does({ type: 'tick' })
  story.does({ type: 'scanned', entries: [entry(1)] })
  story.does(resolved())
  const late = taken(story, [entry(1)])
  story.does({ type: 'broken' })
  expect(story.stream.phase).toBe('ended')
  expect(story.does(late)).toEqual(['free-room'])
})

test('a lane that no longer waits at a gate passes its turn on', () => {
  const story = sending(1)
  expect(story.does({ type: 'called', key: target })).toEqual(['pass-on'])
  expect(story.lane?.queue).toBe('none')
})

test('while the stream is releasing, nothing starts, and new entries are kept for the next runner', () => {
  const story = sending(1)
  story.does({ type: 'delivered', key: target, generation: 0, seq: 1 })
  expect(story.stream.phase).toBe('releasing')
  const appended = { entry: entry(2), duplicate: false }
  expect(story.does({ type: 'appended', appended })).toEqual([])
  story.does(marked(story, 1))
  expect(story.effect('end')).toMatchObject({ outcome: { late: [appended], isLateStale: false } })
})

test('new entries stay with the stream if the store answers that it is still ours', () => {
  const story = sending(1)
  story.does({ type: 'delivered', key: target, generation: 0, seq: 1 })
  story.does({ type: 'appended', appended: { entry: entry(2), duplicate: false } })
  expect(story.does(marked(story, 2))).toContain('scan')
  expect(story.stream).toMatchObject({ phase: 'delivering', tail: 2, late: [] })
})

test('a mark that failed is written again, whole, after the lease was reclaimed', () => {
  const story = sending(2)
  story.does({ type: 'delivered', key: target, generation: 0, seq: 1 })
  const { id } = story.effect('mark')
  story.does({ type: 'write-failed', id })
  expect(story.stream.phase).toBe('recovering')
  story.passes(1000)
  expect(story.does({ type: 'tick' })).toContain('reclaim')
  const { id: reclaim } = story.effect('reclaim')
  const held = { lease: { fence: 2 }, endsAt: 90_000, renewAt: 60_000 }
  expect(story.does({ type: 'reclaimed', id: reclaim, answer: { seq: 2, held } })).toContain('mark')
  expect(story.effect('mark')).toMatchObject({
    ...{ lease: { fence: 2 }, mark: { lanes: { [target]: { done: 1 } }, nextAt: 'active' } },
  })
})

test('a mark that is not answered in time counts as failed, and its late answer is ignored', () => {
  const story = sending(2)
  story.does({ type: 'delivered', key: target, generation: 0, seq: 1 })
  const late = marked(story, 2)
  story.passes(5000)
  story.does({ type: 'tick' })
  expect(story.stream.phase).toBe('recovering')
  story.does(late)
  expect(story.stream.phase).toBe('recovering')
})

test('a timer that runs out a little early is set again', () => {
  const story = sending(2)
  story.does({ type: 'delivered', key: target, generation: 0, seq: 1 })
  story.does({ type: 'write-failed', id: story.effect('mark').id })
  story.passes(999.6)
  expect(story.does({ type: 'tick' })).toEqual(['set-timer'])
  story.passes(0.4)
  expect(story.does({ type: 'tick' })).toContain('reclaim')
})

test('while nothing may begin, no timer is set for a lane that is ready', () => {
  const story = sending(1)
  const state = { done: 0, blockedUntil: new Date(NOW.getTime() + 1000) }
  story.does({ type: 'lane-added', key: replayLane(1, NOW, webhookTarget(newId())), state })
  expect(story.effect('set-timer').ms).toBe(1000)
  story.passes(1000)
  story.isStopping = true
  story.does({ type: 'tick' })
  expect(story.effect('set-timer').ms).toBe(29_000)
})

test('a stream that another process has is given up: cancels at the transport, and frees the room at the gate', () => {
  const story = sending(2)
  story.does({ type: 'delivered', key: target, generation: 0, seq: 1 })
  const { id } = story.effect('mark')
  expect(story.does({ type: 'marked', id, answer: 'lost' })).toEqual(['cancel', 'free-room', 'end'])
  expect(story.effect('end')).toMatchObject({ outcome: { isLost: true } })
  expect(story.does({ type: 'tick' })).toEqual([])
})

test('when the transport reports that the lease is short, nothing starts and the stream is given back, due now', () => {
  const story = sending(2)
  expect(story.does({ type: 'expired', key: target, generation: 0 })).toEqual([
    'free-room',
    'mark',
    'set-timer',
  ])
  expect(story.lane).toMatchObject({ step: 'ready', underway: [], taken: 0 })
  expect(story.effect('mark')).toMatchObject({ mark: { nextAt: NOW } })
  expect(story.stream.phase).toBe('releasing')
})

test('a lease with nothing to mark is renewed at half of its time, and the transport gets the new end', () => {
  const story = sending(2)
  story.passes(30_000)
  expect(story.does({ type: 'tick' })).toContain('mark')
  expect(story.effect('mark')).toMatchObject({ mark: { nextAt: 'active' } })
  expect(story.does(marked(story, 2))).toContain('renew')
  expect(story.effect('renew')).toMatchObject({ leaseEndsAt: 90_000 })
})

test('of thousands of replays to one target a few go out at a time, and no transition takes long', () => {
  const count = 10_000
  const lanes = Object.fromEntries(
    Array.from({ length: count }, (_, i) => [replayLane(i + 1, NOW, target), { done: i }]),
  )
  const story = begin({ seq: count, scanned: count, lanes: { ...lanes, [other]: { done: 0 } } })
  const times: number[] = []
  const timed = (event: StreamEvent): string[] => {
    const start = performance.now()
    const effects = story.does(event)
    times.push(performance.now() - start)
    return effects
  }
  expect(timed({ type: 'tick' }).filter((effect) => effect === 'resolve')).toHaveLength(9)
  timed({ type: 'changed' })
  for (let i = 0; i < 20; i += 1) timed({ type: 'tick' })
  // The fastest of many, since the machine may be busy.
  expect(Math.min(...times.slice(2))).toBeLessThan(25)
})

test('a late result for a lane that was closed is not taken for one of the lane that was opened after it', () => {
  const story = sending(1)
  const late = { type: 'taken', key: target, underway: [], taken: undefined, config, verdict: 'all' } as const
  const ids = new Set<number>()
  for (let seq = 2; seq < 5; seq += 1) {
    story.does({ type: 'delivered', key: target, generation: 0, seq: seq - 1 })
    story.does({ type: 'appended', appended: { entry: entry(seq), duplicate: false } })
    story.does(marked(story, seq))
    expect(story.lane).toBe(undefined)
    story.does({ type: 'scanned', entries: [entry(seq)] })
    const stepId = story.lane?.stepId ?? 0
    expect(ids.has(stepId)).toBe(false)
    for (let id = 0; id < stepId; id += 1) {
      ids.add(id)
      const before = story.lane
      story.does({ ...late, stepId: id })
      expect(story.lane).toBe(before)
    }
    ids.add(stepId)
    story.does({ ...resolved(), stepId } as StreamEvent)
    story.does(taken(story, [entry(seq)]))
    story.does(story.result('rendered', { batch: batchOf(1) }))
  }
})

test('an entry that is appended next needs no scan: its recipients are known', () => {
  const story = begin({ seq: 0 })
  const appended = { entry: entry(1), duplicate: false }
  expect(story.does({ type: 'appended', appended })).toEqual(['resolve', 'set-timer'])
  const later = { entry: entry(3), duplicate: false }
  expect(story.does({ type: 'appended', appended: later })).toEqual(['scan'])
})

test('events that are applied together end as they do one by one, with the same effects', () => {
  const story = begin({ seq: 1 })
  const together = new Transitions(story.stream, story.context)
  const effects: Effect[] = []
  const events = (): StreamEvent[] => [
    { type: 'tick' },
    { type: 'scanned', entries: [first] },
    resolved(),
    taken(story, [first]),
    story.result('rendered', { batch }),
    { type: 'delivered', key: target, generation: 0, seq: 1 },
  ]
  const first = entry(1)
  const batch = batchOf(1)
  for (let i = 0; i < events().length; i += 1) {
    const event = events()[i] as StreamEvent
    effects.push(...together.apply(event), ...together.proceed())
    story.does(event)
  }
  expect(effects.map((effect) => effect.do)).toEqual(story.effects.map((effect) => effect.do))
  expect(together.stream).toEqual(story.stream)
})

const entry = (seq: number): Entry => ({
  ...{ id: newId(), clientId, streamId, type: 'message', payload: 'x', at: NOW, owes: [target] },
  seq,
})

const config: TargetConfig = {
  ...{ gate: 'gate', kind: 'webhook', label: 'https://a.example', schedule: { delaysMs: [1000, 2000] } },
  render: (entries) => batchOf(entries.length),
  renew: () => undefined,
  cancel: () => undefined,
}

const batchOf = (count: number): Batch => ({ count, push: () => undefined })

const resolved = (by = config): StreamEvent => ({
  ...{ type: 'resolved', key: target, stepId: 1, config: by },
  gate: { hasQueue: false, isScarce: false, isCrowded: false },
})

const taken = (story: Story, entries: readonly Entry[]): StreamEvent =>
  story.result('taken', {
    underway: entries.map((entry) => ({ entry, gate: 'gate', isProbe: false })),
    ...{ config, taken: entries.at(-1)?.seq ?? 0, verdict: 'all' },
  })

/** The store has written the mark, and answers that the stream has entries up to this number. */
const marked = (story: Story, seq: number): StreamEvent => {
  const { id, lease } = story.effect('mark')
  const endsAt = story.context.monotonicMs + 60_000
  return { type: 'marked', id, answer: { seq, held: { lease, endsAt, renewAt: endsAt - 30_000 } } }
}

/** A stream whose entries are with the transport. */
function sending(count: number, by = config): Story {
  const entries = Array.from({ length: count }, (_, i) => entry(i + 1))
  const story = begin({ seq: count })
  story.does({ type: 'tick' })
  story.does({ type: 'scanned', entries })
  story.does(resolved(by))
  story.does(taken(story, entries))
  story.does(story.result('rendered', { batch: batchOf(count) }))
  return story
}

interface Story {
  readonly stream: Stream
  readonly lane: ReturnType<Stream['lanes']['get']>
  readonly context: Context
  /** All effects so far. */
  readonly effects: readonly Effect[]
  /** Applies an event, which changes nothing that it was given. Returns the names of its effects in order. */
  does(event: StreamEvent): string[]
  /** The last effect of this kind. */
  effect<Name extends Effect['do']>(name: Name): Effect & { do: Name }
  /** The result of the current step of the lane. */
  result(type: 'taken' | 'rendered', what: object): StreamEvent
  passes(ms: number): void
  /** The process stops. */
  isStopping: boolean
}

function begin({ seq, scanned = 0, lanes = {} }: Pick<Claimed, 'seq'> & Partial<Claimed>): Story {
  const claimed: Claimed = {
    ...{ clientId: clientId as Id, streamId, endpoints: [], seq, scanned, lanes, lease: { fence: 1 } },
  }
  let stream = openStream(claimed, { lease: claimed.lease, endsAt: 60_000, renewAt: 30_000 })
  let context: Context = { now: NOW, monotonicMs: 0, random: 0.5, startedAt: NOW, isStopping: false }
  const all: Effect[] = []
  return {
    effects: all,
    get stream() {
      return stream
    },
    get lane() {
      return stream.lanes.get(target as Target)
    },
    get context() {
      return context
    },
    does(event) {
      const given = [...freeze(stream).lanes]
      const next = transition(stream, event, context)
      expect(
        [...stream.lanes].every(([key, lane], i) => given[i]?.[0] === key && given[i]?.[1] === lane),
      ).toBe(true)
      expect(stream.lanes.size).toBe(given.length)
      stream = next.stream
      all.push(...next.effects)
      return next.effects.map((effect) => effect.do)
    },
    effect(name) {
      const found = all.findLast((effect) => effect.do === name)
      if (!found) throw new Error(`there was no ${name}`)
      return found as Effect & { do: typeof name }
    },
    result: (type, what) =>
      ({ type, key: target, stepId: stream.lanes.get(target)?.stepId, ...what }) as StreamEvent,
    get isStopping() {
      return context.isStopping
    },
    set isStopping(isStopping) {
      context = { ...context, isStopping }
    },
    passes(ms) {
      const now = new Date(context.now.getTime() + ms)
      context = { ...context, now, monotonicMs: context.monotonicMs + ms }
    },
  }
}

/** To change a frozen object throws. A map cannot be frozen. */
function freeze(stream: Stream): Stream {
  for (const lane of stream.lanes.values()) {
    Object.freeze(lane)
    Object.freeze(lane.underway)
  }
  Object.freeze(stream.late)
  return Object.freeze(stream)
}
