import assert from 'node:assert/strict'
import { type Id, type Logger, newId, PlugboardError, silentLogger } from '@plugboard/core'
import { vi } from 'vitest'
import { Dispatcher, type DispatcherLimits } from '../../src/delivery/dispatcher.js'
import type { Route, Routing } from '../../src/delivery/route.js'
import type { DeliveryFailure } from '../../src/delivery/transport.js'
import type { Entry } from '../../src/entry.js'
import type { Append, Appended, Replayed, Store } from '../../src/store.js'
import type { Target } from '../../src/target.js'
import { isSettled, MemoryStore, type StreamRow } from './memory-store.js'
import { type Flight, type ScriptedItem, ScriptedTransport } from './scripted-transport.js'
import { seeded, Tasks } from './tasks.js'

/** How a target answers. */
export const moods = [
  'well',
  'slow',
  'transient',
  'lost',
  'doubtful',
  'rate-limited',
  'rate-limited-lane',
  'invalid',
  'recipient',
  'auth',
  'hangs',
] as const
export type Mood = (typeof moods)[number]

interface Place {
  mood: Mood
  status: 'here' | 'gone' | 'paused'
  /** The delivery has been told that it is gone or paused. */
  isKnown: boolean
}

interface Address {
  row: StreamRow
  target: Target
}

/** What a target got of one part of an entry. */
interface Trace {
  /** Attempts of an earlier life of the process may be repeated when they were not recorded. */
  life: number
  mayRepeat: boolean
  /** The store failed: nobody knows what it has of it. */
  isDoubtful: boolean
  hasArrived: boolean
}

export interface WorldOptions {
  seed: number
  limits?: Partial<DispatcherLimits>
  targets?: readonly Target[]
  streams?: number
  log?: Logger
  /** All happens in the order in which it was asked for, in place of any. */
  isOrderly?: boolean
  /** What comes of refused credentials; the target is paused unless told otherwise. */
  refused?: (target: Target) => Promise<void>
}

const limits: DispatcherLimits = {
  streams: 6,
  streamsPerClient: 3,
  gate: { items: 4, bytes: 1000, failures: 3, pauseMs: 1000, maxPauseMs: 8000 },
  pollMs: 1000,
}
const delaysMs = [1000, 2000, 4000]
const TIMEOUT_MS = 10_000
const SLOW_MS = 100
/** More than that without a step of the clock is a loop. */
const MAX_TURNS = 50_000

const realImmediate = setImmediate
/** Lets everything happen that waits for nothing but its turn. */
const turn = (): Promise<void> => new Promise((resolve) => realImmediate(resolve))

/**
 * A dispatcher with a store and targets that a test directs, and a book of what must hold: whoever breaks a rule makes
 * {@link faults} grow. Time is that of vitest's fake timers; the order of all that is asynchronous is drawn by the seed.
 */
export class World {
  readonly random: () => number
  readonly tasks: Tasks
  readonly store: MemoryStore
  readonly clientId = newId()
  readonly faults: string[] = []
  readonly places = new Map<Target, Place>()
  readonly streams: StreamRow[]
  readonly traces = new Map<string, Trace>()
  /** What was asked of targets, in order. */
  readonly requests: { streamId: Id; seq: number; target: Target }[] = []
  /** What arrived, in order. */
  readonly arrivals: { streamId: Id; seq: number; target: Target; part: number; at: number }[] = []
  dispatcher: Dispatcher
  storeCalls = 0
  /** So many of the next calls of the store fail. */
  storeFailures = 0
  #transport: ScriptedTransport<Address>
  readonly #log: Logger
  readonly #refused: (target: Target) => Promise<void>
  readonly #limits: DispatcherLimits
  readonly #deleted = new Set<Id>()
  readonly #replayed = new Set<string>()
  #inFlight = new Map<Target, number>()
  #writing = new Map<StreamRow, Promise<unknown>>()
  #life = 0
  #doubtUntil = 0

  constructor({ seed, targets = [], streams = 1, log = silentLogger, ...options }: WorldOptions) {
    this.random = options.isOrderly ? () => 0 : seeded(seed)
    this.tasks = new Tasks(this.random)
    this.store = new MemoryStore(() => new Date())
    this.#limits = { ...limits, ...options.limits }
    this.#log = log
    this.#refused = options.refused ?? ((target) => this.setStatus(target, 'paused'))
    for (const target of targets) this.places.set(target, { mood: 'well', status: 'here', isKnown: true })
    this.streams = Array.from({ length: streams }, () => this.store.addStream(this.clientId))
    ;[this.dispatcher, this.#transport] = this.#open()
    this.dispatcher.start()
  }

  place(target: Target): Place {
    const place = this.places.get(target)
    assert.ok(place, `there is no target ${target}`)
    return place
  }

  /** Takes an entry in, as `Messages` does. Those of one stream are answered in their order, as by every store. */
  append(row: StreamRow, owes: readonly Target[], payload = 'x'): Promise<Entry> {
    return this.#inTurn(row, () => this.#append(row, owes, payload))
  }

  #inTurn<T>(row: StreamRow, write: () => Promise<T>): Promise<T> {
    const writing = (this.#writing.get(row) ?? Promise.resolve()).then(write)
    this.#writing.set(
      row,
      writing.catch(() => undefined),
    )
    return writing
  }

  async #append({ streamId }: StreamRow, owes: readonly Target[], payload: string): Promise<Entry> {
    const { dispatcher, clientId } = this
    const claim = dispatcher.hasRoom(clientId, streamId)
    const entry = { id: newId(), type: 'message' as const, payload, at: new Date(), claim }
    const append: Append = { clientId, streamId, kind: 'conversation', entry, resolve: () => ({ owes }) }
    const appended = await this.#call<Appended>('append', [append])
    dispatcher.appended(appended)
    return appended.entry
  }

  delete(row: StreamRow, only: Id | 'all'): Promise<void> {
    return this.#inTurn(row, () => this.#delete(row, only))
  }

  async #delete(row: StreamRow, only: Id | 'all'): Promise<void> {
    const { dispatcher } = this
    const before = row.entries.filter(({ id }) => only === 'all' || id === only).map(({ id }) => id)
    await this.#call('deleteMessages', [row.streamId, only])
    for (const id of before) this.#deleted.add(id)
    dispatcher.streamChanged(row.streamId)
  }

  async setStatus(target: Target, status: Place['status']): Promise<void> {
    const place = this.place(target)
    place.status = status
    place.isKnown = false
    await this.dispatcher.clientChanged(this.clientId)
    place.isKnown = true
  }

  async replay(entry: Entry, target: Target, to: Target = target): Promise<Replayed | undefined> {
    const { dispatcher, clientId } = this
    this.#replayed.add(`${entry.id} ${to}`)
    const replay = { clientId, entryId: entry.id, target, to, now: new Date() }
    const replayed = await this.#call<Replayed | undefined>('replay', [replay])
    if (replayed) dispatcher.replayed(replayed)
    return replayed
  }

  /** kill -9, and a new process on the same data. */
  crash(): void {
    this.#life += 1
    this.tasks.clear()
    vi.clearAllTimers()
    this.#inFlight = new Map()
    this.#writing = new Map()
    for (const place of this.places.values()) place.isKnown = true
    this.store.reopen()
    ;[this.dispatcher, this.#transport] = this.#open()
    this.dispatcher.start()
  }

  /** SIGTERM, and a new process on the same data. What ends within the time is recorded, so that nothing is repeated. */
  async stop(graceMs: number): Promise<void> {
    const stopping = this.dispatcher.stop(graceMs)
    await this.pass(graceMs + 1)
    await stopping
    await this.#transport.close()
    const ended = this.#life
    this.crash()
    if (graceMs <= TIMEOUT_MS) return
    for (const trace of this.traces.values()) if (trace.life === ended) trace.life = this.#life
  }

  #open(): [Dispatcher, ScriptedTransport<Address>] {
    const transport = new ScriptedTransport<Address>(this.tasks, (flight) => this.#request(flight))
    const dispatcher = new Dispatcher({
      store: this.#asStore(),
      limits: this.#limits,
      route: (stream, target) => this.#route(transport, stream.streamId, target),
      refused: (_, { gate }) => this.#refused(gate as Target),
      observer: { delivered: () => undefined, retried: () => undefined, died: () => undefined },
      log: this.#log,
      now: () => new Date(),
      random: this.random,
    })
    transport.start(dispatcher.listener)
    return [dispatcher, transport]
  }

  /** The store as the dispatcher has it: each call takes effect later, and is answered later still. */
  #asStore(): Store {
    const life = this.#life
    const get = (_: unknown, method: string) =>
      method === 'then' || life !== this.#life
        ? undefined
        : (...input: unknown[]) => this.#call(method, input)
    return new Proxy({}, { get }) as Store
  }

  #call<T>(method: string, input: unknown[]): Promise<T> {
    this.storeCalls += 1
    const fails = this.storeFailures > 0
    if (fails) this.storeFailures -= 1
    const isDone = !fails || this.random() < 0.5
    return new Promise((resolve, reject) => {
      this.tasks.add(() => {
        const member: unknown = Reflect.get(this.store, method)
        const answer: unknown =
          isDone && typeof member === 'function' ? Reflect.apply(member, this.store, input) : undefined
        this.tasks.add(() => {
          if (!fails) return resolve(answer as T)
          // Nobody knows now what was recorded of what is under way or has arrived.
          this.#doubtUntil = Date.now() + 2 * TIMEOUT_MS
          for (const trace of this.traces.values()) trace.mayRepeat = trace.isDoubtful = true
          reject(new PlugboardError('UNAVAILABLE', 'the store failed'))
        })
      })
    })
  }

  #route(transport: ScriptedTransport<Address>, streamId: Id, target: Target): Routing {
    const { status } = this.place(target)
    if (status !== 'here') return status
    const row = this.store.streams.get(streamId)
    assert.ok(row)
    const route: Route = {
      gate: target,
      kind: target.startsWith('w') ? 'webhook' : 'endpoint',
      label: target,
      schedule: { delaysMs },
      push: (lane, generation, entries, { part }) => {
        for (const entry of entries) this.#checkPush(entry, target)
        const items = entries.map(({ seq }, i): ScriptedItem => ({ seq, part: i === 0 ? part : 0 }))
        transport.push(lane, generation, { row, target }, items)
      },
      cancel: (lane, generation) => transport.cancel(lane, generation),
    }
    return route
  }

  #checkPush({ id, seq, streamId }: Entry, target: Target): void {
    const place = this.place(target)
    if (this.#deleted.has(id)) this.#fault(`entry ${seq} of ${streamId} was deleted and goes to ${target}`)
    if (place.isKnown && place.status !== 'here') this.#fault(`${target} is ${place.status} and gets ${seq}`)
  }

  #request({ address: { row, target }, item, ...flight }: Flight<Address>): void {
    const { seq } = item
    const entry = row.entries[seq - 1]
    assert.ok(entry)
    this.requests.push({ streamId: row.streamId, seq, target })
    this.#count(target, 1)
    if (item.part === 0) this.#checkOrder(row, entry, target)
    let done = item.part
    const next = (): void => {
      const trace = this.#begin(entry, target, done)
      this.#meet(trace, target, (hasArrived, failure) => {
        if (hasArrived) this.#arrive(trace, entry, target, done)
        if (failure) return end(failure)
        done += 1
        if (done === partsOf(target)) return end()
        flight.progress(done)
        next()
      })
    }
    const end = (failure?: DeliveryFailure): void => {
      this.#count(target, -1)
      flight.end(failure && { ...failure, parts: done })
    }
    next()
  }

  /** An attempt to hand over one part; ends later. */
  #meet(trace: Trace, target: Target, end: (hasArrived: boolean, failure?: DeliveryFailure) => void): void {
    const { life } = trace
    const later = (hasArrived: boolean, failure?: DeliveryFailure): void =>
      this.tasks.add(() => life === this.#life && end(hasArrived, failure))
    const message = 'no'
    const { mood } = this.place(target)
    if (mood === 'doubtful' || mood === 'lost' || mood === 'hangs') trace.mayRepeat = true
    switch (mood) {
      case 'well':
        return later(true)
      case 'slow':
        setTimeout(() => later(true), SLOW_MS)
        return
      case 'lost':
        return later(false, { kind: 'ambiguous', message })
      case 'doubtful':
        return later(true, { kind: 'ambiguous', message })
      case 'hangs':
        setTimeout(() => later(this.random() < 0.5, { kind: 'ambiguous', message }), TIMEOUT_MS)
        return
      case 'rate-limited':
        trace.mayRepeat = true
        return later(false, { kind: 'rate-limited', message, scope: 'integration', retryAfterMs: 3000 })
      case 'rate-limited-lane':
        trace.mayRepeat = true
        return later(false, { kind: 'rate-limited', message, scope: 'endpoint' })
      default:
        trace.mayRepeat = true
        return later(false, { kind: mood, message })
    }
  }

  #begin(entry: Entry, target: Target, part: number): Trace {
    const key = `${entry.id} ${target} ${part}`
    const where = `part ${part} of entry ${entry.seq} of ${entry.streamId} to ${target}`
    const known = this.traces.get(key)
    const isReplay = this.#replayed.has(`${entry.id} ${target}`)
    if (known && !known.mayRepeat && known.life === this.#life && !isReplay)
      this.#fault(`${where} is repeated`)
    const isDone = this.store.isDone(entry.streamId, target, entry.seq)
    if (isDone && !isReplay && !known?.isDoubtful) {
      this.#fault(`${where} goes out though the store says that it is done`)
    }
    if (part > 0 && !this.traces.get(`${entry.id} ${target} ${part - 1}`)?.hasArrived) {
      this.#fault(`${where} goes out before the part before it`)
    }
    const isDoubtful = (known?.isDoubtful ?? false) || Date.now() < this.#doubtUntil
    const trace = Object.assign(known ?? { hasArrived: false }, {
      life: this.#life,
      mayRepeat: isDoubtful,
      isDoubtful,
    })
    this.traces.set(key, trace)
    return trace
  }

  #arrive(trace: Trace, { streamId, seq }: Entry, target: Target, part: number): void {
    trace.hasArrived = true
    this.arrivals.push({ streamId, seq, target, part, at: Date.now() })
  }

  #checkOrder(row: StreamRow, entry: Entry, target: Target): void {
    if (this.#replayed.has(`${entry.id} ${target}`)) return
    for (const before of row.entries.slice(0, entry.seq - 1)) {
      if (before.owes.includes(target) && !this.isSettled(before, target)) {
        this.#fault(`entry ${entry.seq} of ${row.streamId} goes to ${target} before ${before.seq}`)
      }
    }
  }

  /** Whether a target has an entry, or will never get it, or it was left to a replay. */
  isSettled(entry: Entry, target: Target): boolean {
    const last = this.traces.get(`${entry.id} ${target} ${partsOf(target) - 1}`)
    const isReplayed = [...this.#replayed].some((key) => key.startsWith(entry.id))
    return last?.hasArrived === true || Boolean(entry.deletedAt ?? entry.dead?.[target]) || isReplayed
  }

  #count(target: Target, change: number): void {
    const count = (this.#inFlight.get(target) ?? 0) + change
    this.#inFlight.set(target, count)
    // What an abandoned stream has under way counts no more.
    const isCertain = Date.now() >= this.#doubtUntil
    if (count > this.#limits.gate.items && isCertain) this.#fault(`${count} requests to ${target} at once`)
  }

  #fault(fault: string): void {
    this.faults.push(`${new Date().toISOString()} ${fault}`)
  }

  /** Lets so many things happen that wait. */
  async step(count: number): Promise<void> {
    for (let i = 0; i < count && this.tasks.size > 0; i += 1) {
      this.tasks.runOne()
      await turn()
    }
    await turn()
  }

  /** Lets all happen that needs no time. */
  async still(): Promise<void> {
    await turn()
    for (let turns = 0; this.tasks.size > 0; turns += 1) {
      assert.ok(turns < MAX_TURNS, 'the delivery goes round in a circle')
      this.tasks.runOne()
      await turn()
    }
  }

  /** Lets time go by until then, or until the first timer after that, and all happen that happens then. */
  async pass(ms: number): Promise<void> {
    const end = Date.now() + ms
    await this.still()
    while (Date.now() < end && vi.getTimerCount() > 0) {
      vi.advanceTimersToNextTimer()
      await this.still()
    }
    if (Date.now() < end) vi.setSystemTime(end)
  }

  /** Everything that was owed is settled, and the store knows. */
  get isAtRest(): boolean {
    return this.streams.every(
      (row) => isSettled(row) && row.nextAt === null && row.heldUntil === undefined && !row.isWoken,
    )
  }

  /** What is owed and forgotten. */
  get forgotten(): string[] {
    return this.streams.flatMap((row) =>
      row.entries.flatMap((entry) =>
        entry.owes
          .filter((target) => !this.isSettled(entry, target))
          .map((target) => `entry ${entry.seq} of ${row.streamId} to ${target}`),
      ),
    )
  }
}

/** A webhook gets an entry in one request; an endpoint in two parts. */
const partsOf = (target: Target): number => (target.startsWith('w') ? 1 : 2)
