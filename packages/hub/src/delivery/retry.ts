/** The waits between attempts, in milliseconds. Their sum is a deadline, counted from when the entry was taken in. */
export interface RetrySchedule {
  delaysMs: readonly number[]
}

/** How far a wait may stray from the schedule, as a share of it, so that many lanes do not come back at once. */
const JITTER = 0.1

/** When the schedule of an entry ends: from then on it gets one attempt and no more. */
export function deadlineOf(schedule: RetrySchedule, since: Date): Date {
  return new Date(since.getTime() + schedule.delaysMs.reduce((sum, delay) => sum + delay, 0))
}

/** What is known after an attempt that did not succeed. */
export interface Attempted {
  schedule: RetrySchedule
  /** Attempts made, this one included. */
  attempts: number
  /** When the schedule began. */
  since: Date
  now: Date
  /** What the target asked for. */
  retryAfterMs?: number | undefined
  /** In [0, 1). */
  random: number
}

/**
 * When to try again, or `dead`. An entry is dead when its attempts are used up or its deadline is over: so a lane that
 * was blocked for long drains with one attempt each, instead of waiting a whole schedule for each of its entries.
 */
export function nextAttempt(attempted: Attempted): Date | 'dead' {
  const { schedule, attempts, now } = attempted
  const delay = schedule.delaysMs[attempts - 1]
  const deadline = deadlineOf(schedule, attempted.since)
  if (delay === undefined || now >= deadline) return 'dead'
  const wait = Math.max(delay * (1 + JITTER * (2 * attempted.random - 1)), attempted.retryAfterMs ?? 0)
  const latest = Math.max(deadline.getTime(), now.getTime() + delay)
  return new Date(Math.min(now.getTime() + wait, latest))
}
