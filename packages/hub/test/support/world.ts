import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { type Id, type Logger, newId, silentLogger } from '@plugboard/core'
import { Dispatcher, type DispatcherLimits } from '../../src/delivery/dispatcher.js'
import type { Batch, Resolved } from '../../src/delivery/targets/target-config.js'
import type { DeliveryFailure } from '../../src/delivery/transport.js'
import type { Entry } from '../../src/log/entry.js'
import type { Target } from '../../src/log/target.js'
import type { Append, Appended, Replayed } from '../../src/ports/store.js'
import { isSettled, LEASE_MS, MemoryDatabase, type MemoryStore, type StreamRow } from './memory-store.js'
import { type Attempt, type Mood, mayAskAgain, meet } from './moods.js'
import { type Actor, partsOf, RuleBook, type Trace } from './rule-book.js'
import { type Flight, type ScriptedItem, ScriptedTransport } from './scripted-transport.js'
import { StoreLink } from './store-link.js'
import { type Owner, seeded, Tasks } from './tasks.js'

interface Place {
  mood: Mood
  /** `lost`: it cannot be resolved, because of a fault in Plugboard. */
  status: 'here' | 'gone' | 'paused' | 'lost'
  /** Every process knows the status. */
  isKnown: boolean
  /** Changes when the test sets the status: a refusal of the old ones pauses nothing. */
  credentials: number
}

interface Address {
  row: StreamRow
  target: Target
}

/** A process: its handle of the store, its connection, its dispatcher. */
export class Process implements Owner, Actor {
  isFrozen = false
  isGone = false
  readonly owner: number
  readonly store: MemoryStore
  readonly link: StoreLink
  dispatcher!: Dispatcher
  transport!: ScriptedTransport<Address>
  /** The last write to each stream. */
  readonly writing = new Map<StreamRow, Promise<unknown>>()
  /** Timers that ran out while it was frozen. */
  readonly #missed: (() => void)[] = []

  constructor(store: MemoryStore, link: (process: Process) => StoreLink) {
    this.store = store
    this.owner = store.owner
    this.link = link(this)
  }

  get isAlive(): boolean {
    return !this.isFrozen && !this.isGone
  }

  act(does: () => void): void {
    running.run(this, does)
  }

  /** Runs the callback of one of its timers. */
  timed(run: () => void): void {
    if (this.isGone) return
    if (this.isFrozen) this.#missed.push(run)
    else this.act(run)
  }

  thaw(): void {
    this.isFrozen = false
    for (const run of this.#missed.splice(0)) this.timed(run)
  }
}

/** The process that runs now. A timer belongs to the process that sets it, and is frozen with it. */
const running = new AsyncLocalStorage<Process>()

export interface WorldOptions {
  seed: number
  limits?: Partial<DispatcherLimits>
  targets?: readonly Target[]
  streams?: number
  processes?: number
  leaseMs?: number
  log?: Logger
  /** Tasks run in the order in which they were added, not in a random one. */
  isOrderly?: boolean
  /** Webhooks whose `render` is asynchronous. */
  late?: readonly Target[]
  /** Handles refused credentials. Default: pauses the target. */
  refused?: (target: Target) => Promise<void>
}

const limits: DispatcherLimits = {
  streams: 6,
  streamsPerClient: 3,
  gate: { items: 4, bytes: 1000, clientBytes: 1500, failures: 3, pauseMs: 1000, maxPauseMs: 8000 },
  pollMs: 1000,
}
const delaysMs = [1000, 2000, 4000]
const RELEASE_MS = 2000

/** Start of a payload that no webhook format can render. */
export const UNRENDERABLE = '!'

const isRenderable = ({ payload }: Entry, target: Target): boolean =>
  !target.startsWith('w') || !payload.startsWith(UNRENDERABLE)

const UNRENDERED: DeliveryFailure = { kind: 'invalid', message: 'it cannot be rendered' }
/** Share of the look-ups for a webhook that fail. */
const FAILED_LOOKUPS = 0.1

/**
 * One or more processes with a dispatcher each, on one store, with targets that a test controls, and a {@link RuleBook}
 * that checks the guarantees. Time is that of vitest's fake timers; the seed determines the order of asynchronous tasks.
 */
export class World {
  readonly random: () => number
  readonly tasks: Tasks
  readonly database: MemoryDatabase
  readonly clientId = newId()
  readonly places = new Map<Target, Place>()
  readonly streams: StreamRow[]
  readonly processes: Process[]
  /** The requests to targets, in order. */
  readonly requests: { streamId: Id; seq: number; target: Target }[] = []
  /** How many of the next pushes to a transport throw. */
  pushFaults = 0
  /** When attempts began. */
  readonly starts: number[] = []
  /** Streams as the last process that was stopped left them. */
  released: { holder: StreamRow['holder'] }[] = []
  /** What arrived, in order. */
  readonly arrivals: { streamId: Id; seq: number; target: Target; part: number; at: number }[] = []
  readonly #log: Logger
  readonly #refused: ((target: Target) => Promise<void>) | undefined
  readonly #late: readonly Target[]
  readonly #limits: DispatcherLimits
  readonly #book: RuleBook

  constructor({ seed, targets = [], streams = 1, log = silentLogger, ...options }: WorldOptions) {
    this.random = options.isOrderly ? () => 0 : seeded(seed)
    this.tasks = new Tasks(this.random)
    this.database = new MemoryDatabase(() => new Date(), options.leaseMs ?? LEASE_MS)
    this.#limits = { ...limits, ...options.limits }
    this.#book = new RuleBook({ database: this.database, maxInFlight: this.#limits.gate.items })
    this.#log = log
    this.#late = options.late ?? []
    this.#refused = options.refused
    ownTimers()
    for (const target of targets)
      this.places.set(target, {
        ...{ mood: 'well', status: 'here', isKnown: true, credentials: 0 },
      })
    this.streams = Array.from({ length: streams }, () => this.database.addStream(this.clientId))
    this.processes = Array.from({ length: options.processes ?? 1 }, () => this.#open())
  }

  /** Of the first process. */
  get dispatcher(): Dispatcher {
    return this.processes[0]?.dispatcher as Dispatcher
  }

  /** Of the first process. */
  get storeLink(): StoreLink {
    return this.processes[0]?.link as StoreLink
  }

  /** The handle of the store of the first process, without the failures of its connection. */
  get store(): MemoryStore {
    return this.processes[0]?.store as MemoryStore
  }

  place(target: Target): Place {
    const place = this.places.get(target)
    assert.ok(place, `there is no target ${target}`)
    return place
  }

  /** Appends an entry, as `Messages` does. Every store answers the appends of one stream in order. */
  append(
    row: StreamRow,
    owes: readonly Target[],
    payload = 'x',
    process = this.#anyProcess(),
  ): Promise<Entry> {
    return this.#inTurn(process, row, () => this.#append(process, row, owes, payload))
  }

  #anyProcess(): Process {
    const alive = this.processes.filter(({ isAlive }) => isAlive)
    return (alive[Math.floor(this.random() * alive.length)] ?? this.processes[0]) as Process
  }

  #inTurn<T>(process: Process, row: StreamRow, write: () => Promise<T>): Promise<T> {
    const before = process.writing.get(row) ?? Promise.resolve()
    const writing = running.run(process, () => before.then(write))
    process.writing.set(
      row,
      writing.catch(() => undefined),
    )
    return writing
  }

  async #append(
    { dispatcher, link, isGone }: Process,
    { streamId }: StreamRow,
    owes: readonly Target[],
    payload: string,
  ): Promise<Entry> {
    if (isGone) throw new Error('the process is gone')
    const { clientId } = this
    const claim = dispatcher.hasRoom(clientId, streamId)
    const entry = { id: newId(), type: 'message' as const, payload, at: new Date(), claim }
    const append: Append = { clientId, streamId, kind: 'conversation', entry, resolve: () => ({ owes }) }
    const appended = await dispatcher.claiming(append, link.call<Appended>('append', [append]))
    dispatcher.appended(appended)
    return appended.entry
  }

  delete(row: StreamRow, only: Id | 'all', process = this.#anyProcess()): Promise<void> {
    return this.#inTurn(process, row, () => this.#delete(process, row, only))
  }

  async #delete({ dispatcher, link, owner }: Process, row: StreamRow, only: Id | 'all'): Promise<void> {
    const before = row.entries.filter(({ id }) => only === 'all' || id === only).map(({ id }) => id)
    await link.call('deleteMessages', [row.streamId, only])
    // Another process may have read it before, so it may still deliver it.
    const isElsewhere = row.holder !== undefined && row.holder.owner !== owner
    if (!isElsewhere) for (const id of before) this.#book.deleted(id)
    dispatcher.streamChanged(row.streamId)
  }

  /** Changes it at one process, which notifies the others. */
  setStatus(target: Target, status: Place['status']): Promise<void> {
    this.place(target).credentials += 1
    return this.#setStatus(target, status)
  }

  /** Pauses a target after its credentials were refused, unless they were changed since. */
  async #pause(process: Process, target: Target, credentials: string | undefined): Promise<void> {
    if (String(this.place(target).credentials) === credentials)
      await this.#setStatus(target, 'paused', process)
  }

  async #setStatus(target: Target, status: Place['status'], process = this.#anyProcess()): Promise<void> {
    const place = this.place(target)
    place.status = status
    place.isKnown = false
    await running.run(process, () => process.dispatcher.clientChanged(this.clientId))
    for (const other of this.processes) {
      if (other !== process)
        this.tasks.add(
          () => running.run(other, () => other.dispatcher.clientChangedElsewhere(this.clientId)),
          other,
        )
    }
    place.isKnown = this.processes.length === 1
  }

  async replay(entry: Entry, target: Target, to: Target = target): Promise<Replayed | undefined> {
    const process = this.#anyProcess()
    this.#book.replayed(entry, to)
    const replay = { clientId: this.clientId, entryId: entry.id, target, to, now: new Date() }
    return running.run(process, async () => {
      const replayed = await process.link.call<Replayed | undefined>('replay', [replay])
      if (replayed) process.dispatcher.replayed(replayed)
      return replayed
    })
  }

  /** kill -9, and a new process on the same data. The leases of the old one continue. */
  crash(process = this.processes[0] as Process): void {
    process.isGone = true
    this.#book.gone(process)
    this.processes[this.processes.indexOf(process)] = this.#open()
  }

  /** SIGTERM, and a new process on the same data. */
  async stop(graceMs: number, process = this.processes[0] as Process): Promise<void> {
    if (process.isFrozen) return this.crash(process)
    const stopping = running.run(process, () => process.dispatcher.stop(graceMs))
    await this.pass(graceMs + 1)
    await stopping
    await process.transport.close()
    this.#book.aborted(process)
    const releasing = running.run(process, () => process.dispatcher.release(RELEASE_MS))
    await this.pass(RELEASE_MS + 1)
    await releasing
    this.released = this.streams.map(({ holder }) => ({ holder }))
    this.crash(process)
  }

  #open(): Process {
    const process = new Process(
      this.database.open(),
      (owner) => new StoreLink({ ...{ store: owner.store, tasks: this.tasks, random: this.random, owner } }),
    )
    running.run(process, () => this.#start(process))
    return process
  }

  #start(process: Process): void {
    const transport = new ScriptedTransport<Address>(this.tasks, process, (flight) =>
      this.#request(process, flight),
    )
    const dispatcher = new Dispatcher({
      store: process.link.store,
      limits: this.#limits,
      resolve: (stream, target) => this.#resolve(transport, stream.streamId, target),
      refused: (_, { gate, credentials }) =>
        this.#refused?.(gate as Target) ?? this.#pause(process, gate as Target, credentials),
      gaveUp: async () => undefined,
      observer: { delivered: () => undefined, retried: () => undefined, died: () => undefined },
      monitor: {
        ...{ delivered: () => undefined, failed: () => undefined, died: () => undefined },
        ...{ attempted: () => undefined, circuitOpened: () => undefined, circuitClosed: () => undefined },
      },
      attempts: { add: () => undefined },
      externalIdOf: () => undefined,
      log: this.#log,
      now: () => new Date(),
      monotonicMs: () => Date.now(),
      random: this.random,
    })
    transport.start(dispatcher.listener)
    process.dispatcher = dispatcher
    process.transport = transport
    dispatcher.start()
  }

  #resolve(transport: ScriptedTransport<Address>, streamId: Id, target: Target): Resolved {
    const { status } = this.place(target)
    if (status === 'lost') throw new Error('a fault of ours')
    if (status !== 'here') return status
    const row = this.database.get(streamId)
    const batchOf = (entries: readonly Entry[], part: number): Batch => {
      const broken = entries.find((entry) => !isRenderable(entry, target))
      const whole = broken ? entries.slice(0, entries.indexOf(broken)) : entries
      return {
        count: whole.length,
        ...(broken && { unrendered: { seq: broken.seq, failure: UNRENDERED } }),
        push: (lane, generation, leaseEndsAt) => {
          if (this.pushFaults > 0) {
            this.pushFaults -= 1
            throw new TypeError('a fault in this program')
          }
          for (const entry of whole) this.#book.push(entry, target, this.#knownStatus(target))
          const items = whole.map(({ seq }, i): ScriptedItem => ({ seq, part: i === 0 ? part : 0 }))
          transport.push(lane, generation, { row, target }, items, leaseEndsAt)
        },
      }
    }
    return {
      gate: target,
      kind: target.startsWith('w') ? 'webhook' : 'endpoint',
      label: target,
      schedule: { delaysMs },
      credentials: String(this.place(target).credentials),
      render: (entries, { part }) =>
        this.#late.includes(target) ? this.#later(() => batchOf(entries, part)) : batchOf(entries, part),
      renew: (lane, leaseEndsAt) => transport.renew(lane, leaseEndsAt),
      cancel: (lane, generation) => transport.cancel(lane, generation),
    }
  }

  /** Sometime later; sometimes what it needs cannot be looked up. */
  #later<T>(make: () => T): Promise<T> {
    const isFound = this.random() >= FAILED_LOOKUPS
    const process = running.getStore()
    return new Promise((resolve, reject) => {
      this.tasks.add(() => (isFound ? resolve(make()) : reject(new Error('the store is down'))), process)
    })
  }

  /** The status as far as every process knows it. */
  #knownStatus(target: Target): Place['status'] {
    const { status, isKnown } = this.place(target)
    return isKnown ? status : 'here'
  }

  #request(process: Process, { address: { row, target }, item, ...flight }: Flight<Address>): void {
    const { seq } = item
    const entry = row.entries[seq - 1]
    assert.ok(entry)
    assert.ok(isRenderable(entry, target), `entry ${seq} cannot be rendered and goes out`)
    this.requests.push({ streamId: row.streamId, seq, target })
    this.#book.beginRequest(process, row, entry, target, item.part)
    let done = item.part
    const next = (): void => {
      this.starts.push(Date.now())
      const trace = this.#book.attempt(process, row, entry, target, done)
      this.#meet(process, trace, target, (hasArrived, failure) => {
        this.#book.answered(entry, target)
        if (hasArrived) this.#arrive(trace, entry, target, done)
        // What it sees of the answer is for later, or for never.
        this.tasks.add(() => answered(failure), process)
      })
    }
    const answered = (failure?: DeliveryFailure): void => {
      if (failure) return end(failure)
      done += 1
      if (done === partsOf(target)) return end()
      flight.progress(done)
      if (flight.mayStart()) return next()
      this.#book.endRequest(process, target)
      flight.expire()
    }
    const end = (failure?: DeliveryFailure): void => {
      this.#book.endRequest(process, target)
      flight.end(failure && { ...failure, parts: done })
    }
    next()
  }

  /** An attempt to send one part; ends later. A process that is gone sends nothing more. */
  #meet(process: Process, trace: Trace, target: Target, end: Attempt['end']): void {
    const { mood } = this.place(target)
    trace.mayRepeat ||= mayAskAgain(mood)
    // The timers of the target do not belong to the process.
    running.exit(() =>
      meet(mood, {
        random: this.random,
        end: (hasArrived, failure) => this.tasks.add(() => !process.isGone && end(hasArrived, failure)),
      }),
    )
  }

  #arrive(trace: Trace, { streamId, seq }: Entry, target: Target, part: number): void {
    trace.hasArrived = true
    this.arrivals.push({ streamId, seq, target, part, at: Date.now() })
  }

  /** The rules that were broken. */
  get faults(): readonly string[] {
    return this.#book.faults
  }

  /** Runs this many waiting tasks. */
  step(count: number): Promise<void> {
    return this.tasks.step(count)
  }

  /** Runs all tasks that need no timer. */
  still(): Promise<void> {
    return this.tasks.still()
  }

  /** Advances the time by `ms`, or to the first timer after that, and runs all tasks that become ready. */
  pass(ms: number): Promise<void> {
    return this.tasks.pass(ms)
  }

  /** Nothing is left to deliver, according to the store. */
  get isAtRest(): boolean {
    return this.streams.every(
      (row) => isSettled(row) && row.nextAt === null && row.holder === undefined && !row.isWoken,
    )
  }

  /** Deliveries that were neither made nor given up. */
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

const isOwn = Symbol('a timer of a process')

/** From now on a fake timer belongs to the process that sets it. */
function ownTimers(): void {
  const fake = globalThis.setTimeout as typeof setTimeout & { [isOwn]?: true }
  if (fake[isOwn]) return
  const own = (run: () => void, ms?: number): NodeJS.Timeout => {
    const process = running.getStore()
    return fake(process ? () => process.timed(run) : run, ms)
  }
  globalThis.setTimeout = Object.assign(own, { [isOwn]: true }) as unknown as typeof setTimeout
}
