import type { DeliveryFailure } from '../../src/delivery/transport.js'

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
  'late',
] as const
export type Mood = (typeof moods)[number]

/** The longest time that an attempt takes. */
export const TIMEOUT_MS = 10_000
const SLOW_MS = 100

/** An attempt to send one part. */
export interface Attempt {
  /** In [0, 1). */
  random(): number
  /** `hasArrived`: the target has the part, whatever it answers. */
  end(hasArrived: boolean, failure?: DeliveryFailure): void
}

/** Whether a repeat to a target in this mood is allowed. */
export const mayAskAgain = (mood: Mood): boolean => !['well', 'slow', 'late'].includes(mood)

/** What a target in this mood does with an attempt, now or later. */
export function meet(mood: Mood, { random, end }: Attempt): void {
  const message = 'no'
  switch (mood) {
    case 'well':
      return end(true)
    case 'slow':
      setTimeout(() => end(true), SLOW_MS)
      return
    case 'late':
      setTimeout(() => end(true), 0.9 * TIMEOUT_MS)
      return
    case 'lost':
      return end(false, { kind: 'ambiguous', message })
    case 'doubtful':
      return end(true, { kind: 'ambiguous', message })
    case 'hangs':
      setTimeout(() => end(random() < 0.5, { kind: 'ambiguous', message }), TIMEOUT_MS)
      return
    case 'rate-limited':
      return end(false, { kind: 'rate-limited', message, scope: 'integration', retryAfterMs: 3000 })
    case 'rate-limited-lane':
      return end(false, { kind: 'rate-limited', message, scope: 'endpoint' })
    default:
      return end(false, { kind: mood, message })
  }
}
