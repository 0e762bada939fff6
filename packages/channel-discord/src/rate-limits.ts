/** How many calls a bot may make in a second. https://docs.discord.com/developers/topics/rate-limits#global-rate-limit */
const CALLS_PER_SECOND = 50
const SECOND_MS = 1000
/** Most routes that are remembered; the oldest go first. A bot has one route for each channel and kind of call. */
const MAX_ROUTES = 1000

interface Bucket {
  remaining: number
  /** By the monotonic clock, in milliseconds. */
  resetAt: number
}

/** Why a call must wait: for its route, or for all calls of the bot. In milliseconds. */
export interface Wait {
  scope: 'endpoint' | 'integration'
  ms: number
}

/**
 * The limits of one bot as Discord reports them: one for each bucket, which is a group of routes about the same channel
 * or webhook, and one for all calls. Kept in memory: without it, Discord answers 429, and the call waits then.
 */
export class RateLimits {
  /** Bucket of each route that answered, oldest first. */
  readonly #bucketOf = new Map<string, string>()
  readonly #buckets = new Map<string, Bucket>()
  #second = 0
  #callsInSecond = 0
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Counts a call, or returns how long it must wait. `isExempt`: the limit for all calls does not apply. */
  take(route: string, isExempt = false): Wait | undefined {
    const now = this.#now()
    const bucket = this.#buckets.get(this.#bucketOf.get(route) ?? '')
    if (bucket && now < bucket.resetAt && bucket.remaining <= 0)
      return { scope: 'endpoint', ms: Math.ceil(bucket.resetAt - now) }
    if (!isExempt) {
      if (now >= this.#second + SECOND_MS) {
        this.#second = now
        this.#callsInSecond = 0
      }
      if (this.#callsInSecond >= CALLS_PER_SECOND)
        return { scope: 'integration', ms: Math.ceil(this.#second + SECOND_MS - now) }
      this.#callsInSecond += 1
    }
    if (bucket) bucket.remaining -= 1
    return undefined
  }

  /** Remembers what the headers of an answer say. */
  learn(route: string, headers: Headers): void {
    const name = headers.get('x-ratelimit-bucket')
    const remaining = numberIn(headers, 'x-ratelimit-remaining')
    const resetAfter = numberIn(headers, 'x-ratelimit-reset-after')
    if (name === null || remaining === undefined || resetAfter === undefined) return
    const key = `${name} ${resourceOf(route)}`
    this.#bucketOf.delete(route)
    this.#bucketOf.set(route, key)
    this.#buckets.delete(key)
    this.#buckets.set(key, { remaining, resetAt: this.#now() + resetAfter * 1000 })
    trim(this.#bucketOf)
    trim(this.#buckets)
  }
}

/** Limits count for a channel or a webhook. Routes without one have a limit of their own. */
const resourceOf = (route: string): string =>
  /\/(?:channels|webhooks)\/\S+?(?=\/messages|\/typing|$)/.exec(route)?.[0] ?? ''

function numberIn(headers: Headers, name: string): number | undefined {
  const text = headers.get(name)?.trim()
  const number = text ? Number(text) : Number.NaN
  return Number.isFinite(number) && number >= 0 ? number : undefined
}

function trim(map: Map<string, unknown>): void {
  for (const oldest of map.keys()) {
    if (map.size <= MAX_ROUTES) return
    map.delete(oldest)
  }
}
