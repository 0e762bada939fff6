import assert from 'node:assert/strict'
import { type Id, type Logger, newId, silentLogger } from '@plugboard/core'
import { vi } from 'vitest'
import { Dispatcher, type DispatcherLimits } from '../../src/delivery/dispatcher.js'
import { LateWebhooks } from '../../src/delivery/late-webhooks.js'
import type { Route, Routing } from '../../src/delivery/route.js'
import type { DeliveryFailure } from '../../src/delivery/transport.js'
import type { Entry } from '../../src/log/entry.js'
import type { Target } from '../../src/log/target.js'
import type { Append, Appended, Replayed } from '../../src/ports/store.js'
import { isSettled, MemoryStore, type StreamRow } from './memory-store.js'
import { type Attempt, type Mood, mayAskAgain, meet, TIMEOUT_MS } from './moods.js'
import { partsOf, RuleBook, type Trace } from './rule-book.js'
import { type Flight, type ScriptedItem, ScriptedTransport } from './scripted-transport.js'
import { StoreLink } from './store-link.js'
import { seeded, Tasks } from './tasks.js'

interface Place {
  mood: Mood
  /** `lost`: the way to it cannot be found, for a fault of ours. */
  status: 'here' | 'gone' | 'paused' | 'lost'
  /** The delivery has been told that it is gone or paused. */
  isKnown: boolean
}

/** What begins and ends with the process. */
interface Process {
  transport: ScriptedTransport<Address>
  late: LateWebhooks<Address>
  dispatcher: Dispatcher
}

interface Address {
  row: StreamRow
  target: Target
}

export interface WorldOptions {
  seed: number
  limits?: Partial<DispatcherLimits>
  targets?: readonly Target[]
  streams?: number
  log?: Logger
  /** All happens in the order in which it was asked for, in place of any. */
  isOrderly?: boolean
  /** Webhooks whose events are looked up before they go out. */
  late?: readonly Target[]
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

/** What no webhook can be sent: it cannot be put in its form. */
export const UNRENDERABLE = '!'

const isRenderable = ({ payload }: Entry, target: Target): boolean =>
  !target.startsWith('w') || !payload.startsWith(UNRENDERABLE)

const UNRENDERED: DeliveryFailure = { kind: 'invalid', message: 'it has no form' }
/** How many look-ups for a webhook fail. */
const FAILED_LOOKUPS = 0.1

/**
 * A dispatcher with a store and targets that a test directs, and a {@link RuleBook} of what must hold. Time is that of
 * vitest's fake timers; the order of all that is asynchronous is drawn by the seed.
 */
export class World {
  readonly random: () => number
  readonly tasks: Tasks
  readonly store: MemoryStore
  readonly storeLink: StoreLink
  readonly clientId = newId()
  readonly places = new Map<Target, Place>()
  readonly streams: StreamRow[]
  /** What was asked of targets, in order. */
  readonly requests: { streamId: Id; seq: number; target: Target }[] = []
  /** What arrived, in order. */
  readonly arrivals: { streamId: Id; seq: number; target: Target; part: number; at: number }[] = []
  dispatcher: Dispatcher
  #transport: ScriptedTransport<Address>
  readonly #log: Logger
  readonly #refused: (target: Target) => Promise<void>
  readonly #late: readonly Target[]
  readonly #limits: DispatcherLimits
  readonly #book: RuleBook
  #writing = new Map<StreamRow, Promise<unknown>>()

  constructor({ seed, targets = [], streams = 1, log = silentLogger, ...options }: WorldOptions) {
    this.random = options.isOrderly ? () => 0 : seeded(seed)
    this.tasks = new Tasks(this.random)
    this.store = new MemoryStore(() => new Date())
    this.#limits = { ...limits, ...options.limits }
    this.#book = new RuleBook({ store: this.store, maxInFlight: this.#limits.gate.items })
    this.storeLink = new StoreLink({
      store: this.store,
      tasks: this.tasks,
      random: this.random,
      failed: () => this.#book.doubt(2 * TIMEOUT_MS),
    })
    this.#log = log
    this.#late = options.late ?? []
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
    const appended = await this.storeLink.call<Appended>('append', [append])
    dispatcher.appended(appended)
    return appended.entry
  }

  delete(row: StreamRow, only: Id | 'all'): Promise<void> {
    return this.#inTurn(row, () => this.#delete(row, only))
  }

  async #delete(row: StreamRow, only: Id | 'all'): Promise<void> {
    const { dispatcher } = this
    const before = row.entries.filter(({ id }) => only === 'all' || id === only).map(({ id }) => id)
    await this.storeLink.call('deleteMessages', [row.streamId, only])
    for (const id of before) this.#book.deleted(id)
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
    this.#book.replayed(entry, to)
    const replay = { clientId, entryId: entry.id, target, to, now: new Date() }
    const replayed = await this.storeLink.call<Replayed | undefined>('replay', [replay])
    if (replayed) dispatcher.replayed(replayed)
    return replayed
  }

  /** kill -9, and a new process on the same data. */
  crash(): void {
    this.#book.beginLife()
    this.tasks.clear()
    vi.clearAllTimers()
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
    const ended = this.#book.life
    this.crash()
    if (graceMs > TIMEOUT_MS) this.#book.continueLife(ended)
  }

  #open(): [Dispatcher, ScriptedTransport<Address>] {
    const transport = new ScriptedTransport<Address>(this.tasks, (flight) => this.#request(flight))
    const { life } = this.#book
    const late = new LateWebhooks<Address>(
      {
        push: (lane, generation, address, items) =>
          transport.push(
            lane,
            generation,
            address,
            items.map(({ seq }) => ({ seq, part: 0 })),
          ),
        cancel: (lane, generation) => transport.cancel(lane, generation),
      },
      this.#log,
    )
    const dispatcher = new Dispatcher({
      store: this.storeLink.storeWhile(() => life === this.#book.life),
      limits: this.#limits,
      route: (stream, target) => this.#route({ transport, late, dispatcher }, stream.streamId, target),
      refused: (_, { gate }) => this.#refused(gate as Target),
      gaveUp: async () => undefined,
      observer: { delivered: () => undefined, retried: () => undefined, died: () => undefined },
      log: this.#log,
      now: () => new Date(),
      random: this.random,
    })
    transport.start(dispatcher.listener)
    late.start(dispatcher.listener)
    return [dispatcher, transport]
  }

  #route({ transport, late, dispatcher }: Process, streamId: Id, target: Target): Routing {
    const { status } = this.place(target)
    if (status === 'lost') throw new Error('a fault of ours')
    if (status !== 'here') return status
    const row = this.store.streams.get(streamId)
    assert.ok(row)
    const isLate = this.#late.includes(target)
    const route: Route = {
      gate: target,
      kind: target.startsWith('w') ? 'webhook' : 'endpoint',
      label: target,
      schedule: { delaysMs },
      push: (lane, generation, entries, { part }) => {
        for (const entry of entries) this.#book.push(entry, target, this.#knownStatus(target))
        if (isLate) {
          const items = entries.map((entry) => ({
            seq: entry.seq,
            id: '',
            make: () => this.#make(entry, target),
          }))
          return late.push(lane, generation, { clientId: this.clientId, address: { row, target } }, items)
        }
        const broken = entries.findIndex((entry) => !isRenderable(entry, target))
        const whole = broken === -1 ? entries : entries.slice(0, broken)
        const items = whole.map(({ seq }, i): ScriptedItem => ({ seq, part: i === 0 ? part : 0 }))
        if (items.length > 0) transport.push(lane, generation, { row, target }, items)
        const { seq } = entries[broken] ?? {}
        if (seq !== undefined) dispatcher.listener.unrendered(lane, generation, seq, UNRENDERED)
      },
      cancel: (lane, generation) => (isLate ? late : transport).cancel(lane, generation),
    }
    return route
  }

  /** Sometime later; sometimes what it needs cannot be looked up. */
  #make(entry: Entry, target: Target): Promise<string | DeliveryFailure> {
    const isFound = this.random() >= FAILED_LOOKUPS
    return new Promise((resolve, reject) => {
      this.tasks.add(() => {
        if (isFound) resolve(isRenderable(entry, target) ? 'body' : UNRENDERED)
        else reject(new Error('the store is down'))
      })
    })
  }

  /** The status as far as the delivery has been told. */
  #knownStatus(target: Target): Place['status'] {
    const { status, isKnown } = this.place(target)
    return isKnown ? status : 'here'
  }

  #request({ address: { row, target }, item, ...flight }: Flight<Address>): void {
    const { seq } = item
    const entry = row.entries[seq - 1]
    assert.ok(entry)
    assert.ok(isRenderable(entry, target), `entry ${seq} cannot be rendered and goes out`)
    this.requests.push({ streamId: row.streamId, seq, target })
    this.#book.beginRequest(row, entry, target, item.part)
    let done = item.part
    const next = (): void => {
      const trace = this.#book.attempt(entry, target, done)
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
      this.#book.endRequest(target)
      flight.end(failure && { ...failure, parts: done })
    }
    next()
  }

  /** An attempt to hand over one part; ends later. */
  #meet(trace: Trace, target: Target, end: Attempt['end']): void {
    const { life } = trace
    const { mood } = this.place(target)
    trace.mayRepeat ||= mayAskAgain(mood)
    meet(mood, {
      random: this.random,
      end: (hasArrived, failure) =>
        this.tasks.add(() => life === this.#book.life && end(hasArrived, failure)),
    })
  }

  #arrive(trace: Trace, { streamId, seq }: Entry, target: Target, part: number): void {
    trace.hasArrived = true
    this.arrivals.push({ streamId, seq, target, part, at: Date.now() })
  }

  /** The rules that were broken. */
  get faults(): readonly string[] {
    return this.#book.faults
  }

  /** Lets so many things happen that wait. */
  step(count: number): Promise<void> {
    return this.tasks.step(count)
  }

  /** Lets all happen that needs no time. */
  still(): Promise<void> {
    return this.tasks.still()
  }

  /** Lets time go by until then, or until the first timer after that, and all happen that happens then. */
  pass(ms: number): Promise<void> {
    return this.tasks.pass(ms)
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
          .filter((target) => !this.#book.isSettled(entry, target))
          .map((target) => `entry ${entry.seq} of ${row.streamId} to ${target}`),
      ),
    )
  }
}
