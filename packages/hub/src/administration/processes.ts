import { type Id, type Logger, newId } from '@plugboard/core'
import { errorShape } from '../channels/loggable-error.js'
import { Collection } from '../documents/collection.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT } from '../ports/stored-document.js'

/** What a process says about itself. */
export interface ProcessInfo {
  /** Of the program. */
  version: string
  /** The work of the process, such as `all`. */
  role: string
  /** Name of the machine or container. */
  host?: string
}

/** What is counted: messages of people, messages of the business, deliveries, and failed attempts. */
const RATES = ['received', 'posted', 'delivered', 'failed'] as const
export type Rate = (typeof RATES)[number]
export type Rates = Record<Rate, number>

/** Counts of one minute. */
export interface MinuteOfRates extends Rates {
  /** When the minute began. */
  at: Date
}

/**
 * A process that uses the store. `silent`: it has written nothing for so long that it has crashed or is stuck. `stopped`:
 * it ended orderly.
 */
export interface ProcessView extends ProcessInfo {
  id: Id
  state: 'running' | 'silent' | 'stopped'
  startedAt: Date
  /** When it last wrote, by its clock. */
  seenAt: Date
  /** Whether it delivers and listens. */
  delivers: boolean
  /** Number of conversations and other streams that it delivers. */
  leases: number
  /** Number of integrations that it listens for. */
  listening: number
}

/** All processes, and what they did. */
export interface Activity {
  processes: ProcessView[]
  /** Per minute, over the last 60 seconds. */
  rates: Rates
  /** The last hour, oldest first, without minutes in which nothing happened. */
  history: MinuteOfRates[]
}

export interface ProcessesOptions {
  store: Store
  info: ProcessInfo
  delivers: boolean
  /** No other process can use the store: it need not be told often. */
  isAlone: boolean
  log: Logger
  now(): Date
}

/** What a process measures when it writes. */
export type Measured = Pick<ProcessView, 'leases' | 'listening'>

/** A document. Times in milliseconds. */
interface Stored extends ProcessInfo, Measured {
  startedAt: number
  seenAt: number
  delivers: boolean
  stopped?: true
  /** Number of the minute since 1970, then the counts in the order of {@link RATES}. */
  minutes: number[][]
}

const COLLECTION = 'process'
const BEAT_MS = 5_000
/** For a process that is alone: only so that its counts survive a restart. */
const BEAT_ALONE_MS = 60_000
/** After so long without a sign of life a process counts as silent; more than clocks differ. */
const SILENT_MS = 30_000
/** How long a process that is silent or stopped is shown. */
const SHOWN_MS = 10 * 60_000
const MINUTE_MS = 60_000
/** Minutes of history. */
const KEPT = 60
/** More processes than this do not share one store within an hour. */
const MAX_PROCESSES = 1000

/**
 * The processes that use the store, and what all of them do. Each writes one small document every few seconds, so any of
 * them can say it for all, also for those that ended within the last hour. A killed process loses its last seconds.
 */
export class Processes {
  readonly #options: ProcessesOptions
  readonly #stored: Collection<Stored>
  readonly #id = newId()
  readonly #startedAt: number
  /** Of its document. 0: not known. */
  #version = 0
  /** Counts by minute. */
  readonly #minutes = new Map<number, Rates>()
  #measure: () => Measured = () => ({ leases: 0, listening: 0 })
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #isStopped = false
  #purgedAt = 0

  constructor(options: ProcessesOptions) {
    this.#options = options
    this.#stored = new Collection(options.store, COLLECTION)
    this.#startedAt = options.now().getTime()
  }

  /** Counts one. */
  count(what: Rate): void {
    const minute = Math.floor(this.#options.now().getTime() / MINUTE_MS)
    const known = this.#minutes.get(minute)
    if (known) {
      known[what] += 1
      return
    }
    this.#minutes.set(minute, { ...NOTHING, [what]: 1 })
    for (const old of this.#minutes.keys()) if (old <= minute - KEPT) this.#minutes.delete(old)
  }

  start(measure: () => Measured): void {
    this.#measure = measure
    void this.beat()
    this.#timer = setInterval(() => void this.beat(), this.#options.isAlone ? BEAT_ALONE_MS : BEAT_MS)
    this.#timer.unref()
  }

  /** Says that this process has ended. */
  async stop(): Promise<void> {
    if (!this.#timer) return
    clearInterval(this.#timer)
    this.#timer = undefined
    await this.#writing
    this.#isStopped = true
    await this.beat()
  }

  /** Writes what this process does. After a failure, the next beat writes it. */
  beat(): Promise<void> {
    this.#writing ??= this.#write()
      .catch((err) =>
        this.#options.log.warn(errorShape(err), 'cannot write what this process does; retrying'),
      )
      .finally(() => {
        this.#writing = undefined
      })
    return this.#writing
  }

  async #write(): Promise<void> {
    await this.#store()
    const now = this.#options.now().getTime()
    if (now - this.#purgedAt < MINUTE_MS) return
    this.#purgedAt = now
    for (const { id, data } of await this.#list())
      if (now - data.seenAt > KEPT * MINUTE_MS) await this.#stored.remove(NO_CLIENT, id)
  }

  /** Nobody else writes this document, so it is read only if it is not as this process left it. */
  async #store(): Promise<void> {
    const { store } = this.#options
    const own = { clientId: NO_CLIENT, collection: COLLECTION, id: this.#id }
    const version = this.#version
    this.#version = 0
    if (version > 0) {
      const document = { ...own, version: version + 1, terms: [], data: JSON.stringify(this.#own()) }
      if (await store.replaceDocument(document)) {
        this.#version = version + 1
        return
      }
    }
    await this.#stored.change(NO_CLIENT, own.id, () => this.#own())
    this.#version = (await store.findDocument(NO_CLIENT, COLLECTION, own))?.version ?? 0
  }

  #own(): Stored {
    const { info, delivers, now } = this.#options
    const minutes = [...this.#minutes].map(([minute, counts]) => [
      minute,
      ...RATES.map((rate) => counts[rate]),
    ])
    return {
      ...info,
      ...this.#measure(),
      ...{ delivers, startedAt: this.#startedAt, seenAt: now().getTime(), minutes },
      ...(this.#isStopped && { stopped: true }),
    }
  }

  #list() {
    return this.#stored.list(NO_CLIENT, { limit: MAX_PROCESSES })
  }

  /** As all processes last wrote it: the same whoever asks. A process that is alone knows itself better. */
  async read(): Promise<Activity> {
    const all = new Map((await this.#list()).map(({ id, data }) => [id, data]))
    if (this.#options.isAlone && this.#timer) all.set(this.#id, this.#own())
    const now = this.#options.now().getTime()
    const processes = [...all]
      .map(([id, data]) => this.#viewOf(id, data, now))
      .filter(({ state, seenAt }) => state === 'running' || now - seenAt.getTime() < SHOWN_MS)
    return { processes, ...ratesOf([...all.values()], now) }
  }

  #viewOf(id: Id, { minutes: _, stopped, startedAt, seenAt, ...data }: Stored, now: number): ProcessView {
    // An embedded database has one process: any other has ended.
    const isOther = this.#options.isAlone && id !== this.#id
    const state = stopped || isOther ? 'stopped' : now - seenAt > SILENT_MS ? 'silent' : 'running'
    return { id, state, ...data, startedAt: new Date(startedAt), seenAt: new Date(seenAt) }
  }
}

const NOTHING: Rates = { received: 0, posted: 0, delivered: 0, failed: 0 }

/** Sums of all processes. The present minute is completed by a part of the one before. */
function ratesOf(all: readonly Stored[], now: number): Pick<Activity, 'rates' | 'history'> {
  const current = Math.floor(now / MINUTE_MS)
  const sums = new Map<number, Rates>()
  for (const { minutes } of all)
    for (const [minute = 0, ...counts] of minutes) {
      if (minute <= current - KEPT || minute > current) continue
      const sum = sums.get(minute) ?? { ...NOTHING }
      for (const [i, rate] of RATES.entries()) sum[rate] += counts[i] ?? 0
      sums.set(minute, sum)
    }
  const [present, before] = [sums.get(current) ?? NOTHING, sums.get(current - 1) ?? NOTHING]
  const share = 1 - (now % MINUTE_MS) / MINUTE_MS
  const rates = { ...NOTHING }
  for (const rate of RATES) rates[rate] = Math.round(present[rate] + share * before[rate])
  const history = [...sums]
    .sort(([a], [b]) => a - b)
    .map(([minute, counts]) => ({ at: new Date(minute * MINUTE_MS), ...counts }))
  return { rates, history }
}
