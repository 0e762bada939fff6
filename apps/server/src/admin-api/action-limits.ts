import { PlugboardError } from '@plugboard/core'
import { FailureLimit } from '../http/passwords/failure-limit.js'
import type { Actor } from './actor.js'

/** Actions of one caller in a minute. */
const ACTIONS = 600
/** Sessions that one operator, or one link, begins in a minute. */
const SESSIONS = 60

type Caller = Pick<Actor, 'kind' | 'id' | 'role'>

/**
 * Limits the audit entries of one caller per process. Entries are kept for long, so a caller without rights could
 * otherwise fill the database with refused requests and hide what others did.
 */
export class ActionLimits {
  readonly #actions: FailureLimit
  readonly #sessions: FailureLimit

  constructor(now?: () => number) {
    const options = now ? { now } : {}
    this.#actions = new FailureLimit({ perMinute: ACTIONS, ...options })
    this.#sessions = new FailureLimit({ perMinute: SESSIONS, ...options })
  }

  /** Administrators, and programs with the admin key, do as much as they like. @throws RATE_LIMITED */
  countAction(caller: Caller): void {
    if (caller.role !== 'admin') count(this.#actions, caller)
  }

  /** @throws RATE_LIMITED */
  countSession(caller: Caller): void {
    count(this.#sessions, caller)
  }
}

function count(limit: FailureLimit, { kind, id }: Caller): void {
  const key = `${kind} ${id}`
  const retryAfterMs = limit.waitMs(key)
  if (retryAfterMs > 0)
    throw new PlugboardError('RATE_LIMITED', 'too many actions; try again later', { retryAfterMs })
  limit.failed(key)
}
