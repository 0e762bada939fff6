import type { Logger } from '@plugboard/core'
import { type NewAttempt, PROMPT_MS } from '../log/attempt.js'
import type { StreamRef } from '../log/entry.js'
import type { Target } from '../log/target.js'
import type { Store } from '../ports/store.js'
import type { AttemptReport } from './transport.js'

export interface AttemptLogOptions {
  store: Pick<Store, 'recordAttempts' | 'purgeAttempts'>
  /** How long attempts are kept, in milliseconds. 0: none are recorded. */
  keepMs: number
  log: Logger
  now(): Date
}

const FLUSH_MS = 1000
/** Attempts of one write: few enough that it takes a small part of what a thread may be blocked. */
const WRITE_AT_ONCE = 500
/** Attempts that wait in memory while the store fails. Later ones are dropped. */
const MAX_WAITING = 20_000
const PURGE_AT_ONCE = 2000
/** Maximum length of an error, in UTF-16 units. */
const ERROR_CHARS = 500

/**
 * The history of attempts, for those who ask why something was not delivered. Attempts are collected in memory and written
 * about once a second, so that they cost a delivery little. What a killed process has not written is lost: no delivery
 * depends on it.
 */
export class AttemptLog {
  readonly #options: AttemptLogOptions
  #waiting: NewAttempt[] = []
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> | undefined
  #hasFailed = false

  constructor(options: AttemptLogOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#options.keepMs === 0) return
    this.#timer = setInterval(() => void this.flush(), FLUSH_MS)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
  }

  /** An attempt has ended. `first`: when its entry was accepted, if it was the first attempt at this delivery. */
  add(
    { clientId, streamId }: StreamRef,
    seq: number,
    target: Target,
    report: AttemptReport,
    first?: Date,
  ): void {
    if (this.#options.keepMs === 0 || this.#waiting.length >= MAX_WAITING) return
    const { startedAt, durationMs, status, response, failure } = report
    // Written out, since there is one for each delivery: an object that is spread together costs ten times as much.
    const attempt: NewAttempt = {
      clientId,
      streamId,
      seq,
      target,
      at: new Date(startedAt),
      durationMs: Math.max(0, Math.round(durationMs)),
      outcome: failure?.kind ?? 'delivered',
    }
    if (status !== undefined) attempt.status = status
    if (response) attempt.response = response
    if (failure) attempt.error = failure.message.slice(0, ERROR_CHARS)
    if (failure?.code !== undefined) attempt.code = failure.code
    if (first && !failure && startedAt + durationMs <= first.getTime() + PROMPT_MS) attempt.isPrompt = true
    this.#waiting.push(attempt)
  }

  /** Writes what waits. After a failure, the next flush repeats it: a store keeps each attempt once. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined
    })
    return this.#flushing
  }

  async #flush(): Promise<void> {
    const { store, log } = this.#options
    while (this.#waiting.length > 0) {
      const some = this.#waiting.slice(0, WRITE_AT_ONCE)
      try {
        await store.recordAttempts(some)
        this.#waiting.splice(0, some.length)
        this.#hasFailed = false
      } catch (err) {
        if (!this.#hasFailed) log.warn({ err }, 'cannot store attempts at deliveries; will retry')
        this.#hasFailed = true
        return
      }
    }
  }

  /** Removes attempts that are older than they are kept, also after they were turned off. */
  async purge(mayGoOn: () => boolean): Promise<void> {
    const { store, keepMs, now } = this.#options
    const before = new Date(now().getTime() - keepMs)
    while (mayGoOn() && (await store.purgeAttempts(before, PURGE_AT_ONCE)) === PURGE_AT_ONCE);
  }
}
