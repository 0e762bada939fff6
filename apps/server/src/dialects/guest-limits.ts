import { PlugboardError } from '@plugboard/core'
import { LRUCache } from 'lru-cache'

export interface GuestLimitsOptions {
  /** Messages of one guest; 0: any number. */
  messagesPerMinute: number
  /** Bytes of the messages of one guest; 0: any number. */
  bytesPerDay: number
  /** What the limits call what they count. Default: `messages`. */
  things?: string
  now?: () => number
}

/** Amount used since a time. */
interface Window {
  since: number
  spent: number
}

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** Guests that are remembered; over that, those who wrote longest ago are forgotten. */
const MAX_GUESTS = 20_000

/**
 * How much guests may write, whom nobody vouches for. Each process counts for itself, and begins anew when it starts:
 * so several replicas let through as many times as much.
 */
export class GuestLimits {
  readonly #options: GuestLimitsOptions
  readonly #now: () => number
  // With `max` instead, each of these would allocate half a megabyte for all of them at once.
  readonly #guests = new LRUCache<string, { messages: Window; bytes: Window }>({
    maxSize: MAX_GUESTS,
    sizeCalculation: () => 1,
  })

  constructor(options: GuestLimitsOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /** Counts a message of a guest. @throws RATE_LIMITED, and counts nothing then */
  admit(guestId: string, size: number): void {
    const { messagesPerMinute, bytesPerDay, things = 'messages' } = this.#options
    const now = this.#now()
    const known = this.#guests.get(guestId)
    const messages = current(known?.messages, now, MINUTE_MS)
    const bytes = current(known?.bytes, now, DAY_MS)
    if (messagesPerMinute > 0 && messages.spent >= messagesPerMinute)
      throw tooMuch(`${messagesPerMinute} ${things} in a minute`, messages.since + MINUTE_MS - now)
    // One message that is larger than the limit may never be posted.
    if (bytesPerDay > 0 && bytes.spent + size > bytesPerDay)
      throw tooMuch(`${bytesPerDay} bytes of ${things} in a day`, bytes.since + DAY_MS - now)
    messages.spent += 1
    bytes.spent += size
    this.#guests.set(guestId, { messages, bytes })
  }

  /** Counts bytes of a message that was admitted before its size was known. */
  spend(guestId: string, size: number): void {
    const known = this.#guests.get(guestId)
    if (known) known.bytes.spent += size
  }
}

const current = (window: Window | undefined, now: number, lengthMs: number): Window =>
  window && now - window.since < lengthMs ? window : { since: now, spent: 0 }

const tooMuch = (limit: string, retryAfterMs: number): PlugboardError =>
  new PlugboardError('RATE_LIMITED', `A guest may post at most ${limit}. Try again later.`, { retryAfterMs })
