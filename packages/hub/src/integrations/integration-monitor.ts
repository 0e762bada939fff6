import type { Failure, Id, Logger } from '@plugboard/core'
import type { Store } from '../ports/store.js'

/** Working state of an integration. */
export interface IntegrationState {
  lastInboundAt?: Date
  lastOutboundAt?: Date
  lastFailure?: { kind: Failure['kind']; message: string; at: Date }
  /** Failures of the provider or of the credentials since the last success. */
  consecutiveFailures: number
}

export interface IntegrationMonitorOptions {
  store: Store
  log: Logger
  now(): Date
}

/** Observations of this process since the last flush. */
interface Seen extends IntegrationState {
  /** A success resets the stored failure count. */
  hasSucceeded: boolean
}

const FLUSH_MS = 5000
const MAX_TRIES = 5
/** These failures concern one person or message; the integration works. */
const OF_ONE: ReadonlySet<Failure['kind']> = new Set(['recipient', 'invalid', 'rate-limited'])

/**
 * Tracks the working state of integrations in memory, and merges it into the store every few seconds. A crash may lose
 * some seconds.
 */
export class IntegrationMonitor {
  readonly #options: IntegrationMonitorOptions
  #seen = new Map<Id, Seen>()
  #flushing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: IntegrationMonitorOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => void this.flush(), FLUSH_MS)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
  }

  /** A message was received. */
  received(integrationId: Id): void {
    this.#of(integrationId).lastInboundAt = this.#options.now()
  }

  /** A message was delivered. */
  delivered(integrationId: Id): void {
    const seen = this.#of(integrationId)
    seen.lastOutboundAt = this.#options.now()
    seen.hasSucceeded = true
    seen.consecutiveFailures = 0
  }

  failed(integrationId: Id, { kind, message }: Pick<Failure, 'kind' | 'message'>): void {
    const seen = this.#of(integrationId)
    seen.lastFailure = { kind, message, at: this.#options.now() }
    if (!OF_ONE.has(kind)) seen.consecutiveFailures += 1
  }

  #of(integrationId: Id): Seen {
    const known = this.#seen.get(integrationId)
    if (known) return known
    const seen: Seen = { consecutiveFailures: 0, hasSucceeded: false }
    this.#seen.set(integrationId, seen)
    return seen
  }

  /** The stored state of all processes, merged with that of this process. */
  async read(integrationId: Id): Promise<IntegrationState> {
    const text = await this.#options.store.getMeta(keyOf(integrationId))
    const seen = this.#seen.get(integrationId)
    const stored = fromText(text)
    return seen ? merge(stored, seen) : stored
  }

  /** Stores new observations, one flush at a time. After a failure, the next flush retries. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined
    })
    return this.#flushing
  }

  async #flush(): Promise<void> {
    for (const [id, seen] of [...this.#seen]) {
      this.#seen.delete(id)
      try {
        await this.#write(id, seen)
      } catch (err) {
        // Observations during the write are newer.
        const younger = this.#seen.get(id)
        this.#seen.set(
          id,
          younger
            ? { ...merge(seen, younger), hasSucceeded: seen.hasSucceeded || younger.hasSucceeded }
            : seen,
        )
        this.#options.log.warn({ err }, 'cannot store integration health; retrying')
        return
      }
    }
  }

  async #write(id: Id, seen: Seen): Promise<void> {
    const { store } = this.#options
    const key = keyOf(id)
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const known = (await store.getMeta(key)) ?? (await store.putMetaIfAbsent(key, '{}'))
      if (await store.replaceMeta(key, known, JSON.stringify(merge(fromText(known), seen)))) return
    }
  }
}

const keyOf = (integrationId: Id): string => `integration:${integrationId}`

function merge(stored: IntegrationState, seen: Seen): IntegrationState {
  const lastInboundAt = later(stored.lastInboundAt, seen.lastInboundAt)
  const lastOutboundAt = later(stored.lastOutboundAt, seen.lastOutboundAt)
  const isNewer = (seen.lastFailure?.at ?? 0) >= (stored.lastFailure?.at ?? 0)
  const lastFailure = isNewer ? seen.lastFailure : stored.lastFailure
  return {
    ...(lastInboundAt && { lastInboundAt }),
    ...(lastOutboundAt && { lastOutboundAt }),
    ...(lastFailure && { lastFailure }),
    consecutiveFailures: (seen.hasSucceeded ? 0 : stored.consecutiveFailures) + seen.consecutiveFailures,
  }
}

const later = (a: Date | undefined, b: Date | undefined): Date | undefined => (a && b && a > b ? a : (b ?? a))

/** Times are ISO texts within JSON. */
function fromText(text: string | undefined): IntegrationState {
  const state = JSON.parse(text || '{}', (key, value) => (/(^a|A)t$/.test(key) ? new Date(value) : value))
  return { consecutiveFailures: 0, ...(state as Partial<IntegrationState>) }
}
