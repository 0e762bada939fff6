import type { DeliveryFailure } from './transport.js'

/** The waits between attempts, in milliseconds. Their sum is a deadline, counted from {@link scheduledFrom}. */
export interface RetrySchedule {
  delaysMs: readonly number[]
}

/** How far a wait may differ from the schedule, as a share of it, so that many lanes do not come back at once. */
const JITTER = 0.1
/** Default pause if a rate-limited target names no time. */
const RATE_LIMIT_MS = 1000
/** Limits for the pause that a target asks for, because a provider may send 0 or anything. */
const MIN_RATE_LIMIT_MS = 100
const MAX_RATE_LIMIT_MS = 24 * 60 * 60 * 1000

/**
 * From when the schedule of an entry counts: from when it was accepted (or replayed, `since`), but no earlier than this
 * process was started, because while no process ran nobody tried.
 */
export function scheduledFrom(entry: { at: Date }, since: Date | undefined, startedAt: Date): Date {
  const from = since ?? entry.at
  return from < startedAt ? startedAt : from
}

/** When the schedule of an entry ends: after this time it gets one attempt only. */
export function deadlineOf(schedule: RetrySchedule, since: Date): Date {
  return new Date(since.getTime() + schedule.delaysMs.reduce((sum, delay) => sum + delay, 0))
}

/** A failed attempt, and the schedule of its entry. */
export interface Attempted {
  failure: DeliveryFailure
  schedule: RetrySchedule
  /** Attempts made, this one included. */
  attempts: number
  /** When the schedule began. */
  since: Date
  now: Date
  /** In [0, 1). */
  random: number
}

/** What to do after a failure. */
export type Verdict =
  | { do: 'retry'; at: Date }
  /** The whole target pauses; this does not count as an attempt. */
  | { do: 'pause-target'; until: Date }
  /** This lane pauses; this does not count as an attempt. */
  | { do: 'pause-lane'; until: Date }
  /** The credentials no longer work. */
  | { do: 'refuse' }
  | { do: 'bury'; reason: 'exhausted' | 'invalid' | 'recipient' | 'window-closed' | 'gone' }

/** Decides by the kind of the failure. Pure. */
export function judge(attempted: Attempted): Verdict {
  const { failure, schedule, since, now } = attempted
  switch (failure.kind) {
    case 'auth':
      return { do: 'refuse' }
    case 'recipient':
    case 'invalid':
      return { do: 'bury', reason: failure.kind }
    case 'window':
      return { do: 'bury', reason: 'window-closed' }
    case 'rate-limited': {
      const deadline = deadlineOf(schedule, since)
      if (now >= deadline) return { do: 'bury', reason: 'exhausted' }
      const until = new Date(now.getTime() + rateLimitMs(failure.retryAfterMs))
      if (failure.scope === 'integration') return { do: 'pause-target', until }
      return { do: 'pause-lane', until: until < deadline ? until : deadline }
    }
    case 'transient':
    case 'ambiguous': {
      const next = nextAttempt(attempted)
      return next === 'dead' ? { do: 'bury', reason: 'exhausted' } : { do: 'retry', at: next }
    }
  }
}

/**
 * When to try again, or `dead`. An entry is dead if its attempts are used up or its deadline is over. So the entries of a
 * lane that was blocked for long get one attempt each, and do not each wait for a whole schedule.
 */
function nextAttempt({ failure, schedule, attempts, since, now, random }: Attempted): Date | 'dead' {
  const delay = schedule.delaysMs[attempts - 1]
  const deadline = deadlineOf(schedule, since)
  if (delay === undefined || now >= deadline) return 'dead'
  const asked = failure.kind === 'transient' ? (failure.retryAfterMs ?? 0) : 0
  const wait = Math.max(delay * (1 + JITTER * (2 * random - 1)), asked)
  // A target may ask for a longer wait, but not beyond the deadline, or the schedule's own delay where that is later.
  const latest = Math.max(deadline.getTime(), now.getTime() + delay)
  return new Date(Math.min(now.getTime() + wait, latest))
}

/** How long a rate-limited target pauses, in milliseconds. */
export function rateLimitMs(asked = RATE_LIMIT_MS): number {
  return Math.min(Math.max(asked, MIN_RATE_LIMIT_MS) || RATE_LIMIT_MS, MAX_RATE_LIMIT_MS)
}

/** Whether a failure is about the target itself, so that it counts towards opening the circuit. */
export const isOutage = ({ kind }: DeliveryFailure): boolean => kind === 'transient' || kind === 'ambiguous'
