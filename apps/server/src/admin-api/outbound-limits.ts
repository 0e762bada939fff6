import { type Id, PlugboardError } from '@plugboard/core'
import { FailureLimit } from '../http/passwords/failure-limit.js'
import type { Actor } from './actor.js'

/** Calls of one receiver or provider account in a minute, from all callers together. */
const PER_TARGET = 10
/** Calls that one caller may cause in a minute, of all targets together. */
const PER_CALLER = 60

/**
 * Limits on the requests that make the server call somebody at once, such as a test event: others should not be flooded
 * in the name of this server. Each process counts for itself.
 */
export class OutboundLimits {
  readonly #targets: FailureLimit
  readonly #callers: FailureLimit

  constructor(now?: () => number) {
    const options = now ? { now } : {}
    this.#targets = new FailureLimit({ perMinute: PER_TARGET, ...options })
    this.#callers = new FailureLimit({ perMinute: PER_CALLER, ...options })
  }

  /** Counts a call of a webhook or an integration. @throws RATE_LIMITED if it is not allowed now */
  count({ kind, id }: Pick<Actor, 'kind' | 'id'>, target: Id): void {
    const caller = `${kind} ${id}`
    const retryAfterMs = Math.max(this.#targets.waitMs(target), this.#callers.waitMs(caller))
    if (retryAfterMs > 0)
      throw new PlugboardError('RATE_LIMITED', 'too many checks and test events; try again later', {
        retryAfterMs,
      })
    this.#targets.failed(target)
    this.#callers.failed(caller)
  }
}
