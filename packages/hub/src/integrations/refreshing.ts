import { type Id, type Logger, newId } from '@plugboard/core'
import { LAST_WORDS_MS, withTimeout } from '../channels/call-timeout.js'
import type { Channels, Runtime } from '../channels/channels.js'
import { classify } from '../channels/classify-error.js'
import type { IntegrationStates } from '../channels/integration-states.js'
import type { ClientView, Directory } from '../clients/directory.js'
import type { OpenIntegration } from '../clients/open-integration.js'
import type { TargetMonitor } from '../delivery/targets/target-monitor.js'
import { Collection } from '../documents/collection.js'
import type { PublicAddresses } from '../ports/public-addresses.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT } from '../ports/stored-document.js'
import type { pauseIntegration } from './rejected-credentials.js'

export interface RefreshingOptions {
  store: Store
  directory: Directory
  channels: Channels
  states: Pick<IntegrationStates, 'remove'>
  urls: PublicAddresses
  monitor: Pick<TargetMonitor, 'failed'>
  pause: ReturnType<typeof pauseIntegration>
  /** Time limit of one call of a channel, in milliseconds. */
  timeoutMs: number
  log: Logger
  now(): Date
}

/** When an integration is to be refreshed. Its document has the id of the integration. Times in milliseconds. */
interface Refresh {
  clientId: Id
  dueAt: number
  /** Failures since the last success. */
  failures: number
  /** The process that refreshes it now, until then. */
  holder?: { id: Id; until: number }
}

const COLLECTION = 'refresh'
const PAGE = 100
/** How many are refreshed at once. */
const AT_ONCE = 8
/** The longest wait before the list is read again, which also finds what other processes added. */
const MAX_WAIT_MS = 10 * 60_000
/** The soonest that a channel may ask for again. */
const MIN_AGAIN_MS = 1000
const FIRST_RETRY_MS = 60_000
const MAX_RETRY_MS = 60 * 60_000
/** What a process may take beyond the time limit of its call. */
const SLACK_MS = 30_000

/**
 * Calls `refresh` of integrations when it is due: one list for all clients, read at a start and then every few minutes,
 * one timer per process. A process takes a refresh by compare-and-set before it calls the channel.
 */
export class Refreshing {
  readonly #options: RefreshingOptions
  readonly #refreshes: Collection<Refresh>
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined
  #isAsked = false

  constructor(options: RefreshingOptions) {
    this.#options = options
    this.#refreshes = new Collection(options.store, COLLECTION)
  }

  start(): void {
    this.#wake(0)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    clearTimeout(this.#timer)
    await this.#round
  }

  /** Refreshes an integration soon, after it was set up, if its channel wants that. */
  async plan(clientId: Id, { id: integrationId, channel }: OpenIntegration): Promise<void> {
    const { refresh } = await this.#options.channels.runtime(channel)
    if (!refresh) return
    const dueAt = this.#options.now().getTime()
    await this.#refreshes.change(NO_CLIENT, integrationId, () => ({ clientId, dueAt, failures: 0 }))
    this.#wake(0)
  }

  #wake(ms: number): void {
    if (this.#stopping.signal.aborted) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#run(), ms)
    this.#timer.unref()
  }

  #run(): void {
    this.#isAsked = this.#round !== undefined
    this.#round ??= this.#walk()
      .catch((err): number => {
        this.#options.log.error({ err }, 'cannot read which integrations are to be refreshed; retrying')
        return FIRST_RETRY_MS
      })
      .then((waitMs) => {
        this.#round = undefined
        this.#wake(this.#isAsked ? 0 : Math.min(waitMs, MAX_WAIT_MS))
      })
  }

  /** Refreshes what is due. Returns the time until the next one is, in milliseconds. */
  async #walk(): Promise<number> {
    const { now } = this.#options
    let nextAt = Number.POSITIVE_INFINITY
    for (let after: Id | undefined; ; ) {
      const page = await this.#refreshes.list(NO_CLIENT, { limit: PAGE, ...(after && { after }) })
      for (let from = 0; from < page.length; from += AT_ONCE) {
        const some = page.slice(from, from + AT_ONCE)
        const due = await Promise.all(some.map(({ id, data }) => this.#look(id, data)))
        nextAt = Math.min(nextAt, ...due)
        if (this.#stopping.signal.aborted) return nextAt
      }
      after = page.at(-1)?.id
      if (page.length < PAGE) return Math.max(0, nextAt - now().getTime())
    }
  }

  /** Refreshes an integration if it is due. Returns when it is due next. */
  async #look(id: Id, refresh: Refresh): Promise<number> {
    const waitsUntil = Math.max(refresh.dueAt, refresh.holder?.until ?? 0)
    if (waitsUntil > this.#options.now().getTime()) return waitsUntil
    try {
      return await this.#refresh(id, refresh.clientId)
    } catch (err) {
      this.#options.log.error({ err, clientId: refresh.clientId }, 'cannot refresh an integration; retrying')
      return this.#options.now().getTime() + FIRST_RETRY_MS
    }
  }

  async #refresh(id: Id, clientId: Id): Promise<number> {
    const { directory, channels, states } = this.#options
    const client = await directory.find({ id: clientId })
    const integration = [...(client?.integrations.values() ?? [])].find((each) => each.id === id)
    if (!client || !integration || integration.status === 'paused') {
      // The next sync of a paused one sets it up again, and plans another refresh then.
      await this.#refreshes.remove(NO_CLIENT, id)
      if (!integration) await states.remove(clientId, id)
      return Number.POSITIVE_INFINITY
    }
    if (!channels.isLoaded(integration.channel)) return Number.POSITIVE_INFINITY
    const taken = await this.#take(id)
    if (!taken) return this.#options.now().getTime() + FIRST_RETRY_MS
    const dueAt = await this.#call(client, integration, taken.failures)
    const isMine = (known: Refresh | undefined): known is Refresh => known?.holder?.id === taken.holder.id
    if (dueAt.at === undefined) await this.#refreshes.remove(NO_CLIENT, id)
    else {
      const { at, failures } = dueAt
      await this.#refreshes.change(NO_CLIENT, id, (known) =>
        isMine(known) ? { clientId, dueAt: at, failures } : known,
      )
    }
    return dueAt.at ?? Number.POSITIVE_INFINITY
  }

  /** Undefined if another process has it, or has just refreshed it. */
  async #take(id: Id): Promise<(Refresh & { holder: { id: Id; until: number } }) | undefined> {
    const now = this.#options.now().getTime()
    const holder = { id: newId(), until: now + this.#options.timeoutMs + LAST_WORDS_MS + SLACK_MS }
    const taken = await this.#refreshes.change(NO_CLIENT, id, (known) =>
      known && known.dueAt <= now && (known.holder?.until ?? 0) <= now ? { ...known, holder } : known,
    )
    return taken?.holder?.id === holder.id ? { ...taken, holder } : undefined
  }

  async #call(
    client: ClientView,
    open: OpenIntegration,
    failures: number,
  ): Promise<{ at?: number; failures: number }> {
    const { channels, urls, timeoutMs, now, log, monitor, pause } = this.#options
    let runtime: Runtime | undefined
    try {
      const again = await withTimeout(timeoutMs, this.#stopping.signal, async (signal) => {
        const connected = await channels.connect(client.id, open)
        runtime = connected.runtime
        const { integration, state } = connected
        const webhookUrl = urls.webhook(client.id, open.name)
        return runtime.refresh?.({ integration, state, webhookUrl, signal })
      })
      const at = again && Math.max(again.again.getTime(), now().getTime() + MIN_AGAIN_MS)
      return { ...(at !== undefined && Number.isFinite(at) && { at }), failures: 0 }
    } catch (error) {
      const failure = classify(runtime, error)
      const { kind, message } = failure
      const { channel, name } = open
      log.warn({ clientId: client.id, channel, integration: name, kind, error: message }, 'refresh failed')
      monitor.failed({ clientId: client.id, targetId: open.id }, failure)
      if (kind === 'auth') {
        const credentials = client.record.integrations.find(({ id }) => id === open.id)?.config
        await pause(client.id, { integration: open.id, ...(credentials && { credentials }) }, message)
        return { failures }
      }
      const askedMs = 'retryAfterMs' in failure ? (failure.retryAfterMs ?? 0) : 0
      const waitMs = Math.min(Math.max(FIRST_RETRY_MS * 2 ** failures, askedMs), MAX_RETRY_MS)
      return { at: now().getTime() + waitMs, failures: failures + 1 }
    }
  }
}
