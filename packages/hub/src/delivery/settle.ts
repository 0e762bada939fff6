import type { Dead } from '../log/entry.js'
import { deadlineOf, nextAttempt, type RetrySchedule } from './retry.js'
import type { DeliveryFailure } from './transport.js'

/** How long a rate-limited target is left alone when it does not say. */
const RATE_LIMIT_MS = 1000
/** The least and the most that a target is believed: a provider may say 0, or anything. */
const MIN_RATE_LIMIT_MS = 100
const MAX_RATE_LIMIT_MS = 24 * 60 * 60 * 1000

/** What to do after a failure. */
export type Settlement =
  | { do: 'retry'; at: Date }
  /** The whole target waits; no attempt was spent. */
  | { do: 'pause-target'; until: Date }
  /** This lane waits; no attempt was spent. */
  | { do: 'wait'; until: Date }
  /** The credentials do not work any more. */
  | { do: 'refuse' }
  | { do: 'bury'; reason: Dead['reason'] }

/** What is known of the entry that failed. */
export interface Failed {
  failure: DeliveryFailure
  schedule: RetrySchedule
  /** Attempts made, this one included. */
  attempts: number
  /** When its schedule began. */
  since: Date
  now: Date
  /** In [0, 1). */
  random: number
}

/** Decides by the kind of a failure. Pure. */
export function settle(failed: Failed): Settlement {
  const { failure, now } = failed
  switch (failure.kind) {
    case 'auth':
      return { do: 'refuse' }
    case 'recipient':
    case 'invalid':
      return { do: 'bury', reason: failure.kind }
    case 'rate-limited': {
      const deadline = deadlineOf(failed.schedule, failed.since)
      if (now >= deadline) return { do: 'bury', reason: 'exhausted' }
      const until = new Date(now.getTime() + rateLimitMs(failure.retryAfterMs))
      if (failure.scope === 'integration') return { do: 'pause-target', until }
      return { do: 'wait', until: until < deadline ? until : deadline }
    }
    case 'transient':
    case 'ambiguous': {
      const retryAfterMs = failure.kind === 'transient' ? failure.retryAfterMs : undefined
      const next = nextAttempt({ ...failed, retryAfterMs })
      return next === 'dead' ? { do: 'bury', reason: 'exhausted' } : { do: 'retry', at: next }
    }
  }
}

function rateLimitMs(asked = RATE_LIMIT_MS): number {
  return Math.min(Math.max(asked, MIN_RATE_LIMIT_MS) || RATE_LIMIT_MS, MAX_RATE_LIMIT_MS)
}

/** Whether a failure tells of the target as such, so that it counts for leaving it alone. */
export const isOutage = ({ kind }: DeliveryFailure): boolean => kind === 'transient' || kind === 'ambiguous'
