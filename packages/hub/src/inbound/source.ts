import { setImmediate as turn } from 'node:timers/promises'
import {
  type Failure,
  FailureError,
  type Heard,
  type Id,
  type InboundEvent,
  isPlugboardError,
  type ListenContext,
  type Logger,
} from '@plugboard/core'
import type { Channels, Runtime } from '../channels/channels.js'
import { classify } from '../channels/classify-error.js'
import { errorShape } from '../channels/loggable-error.js'
import type { ClientView, Directory } from '../clients/directory.js'
import type { OpenIntegration } from '../clients/open-integration.js'
import { monotonicMs } from '../delivery/transport.js'
import type { KeptSource, SourceData, SourceState, Sources } from '../integrations/sources.js'
import type { PublicAddresses } from '../ports/public-addresses.js'
import { handleInOrder } from './event-order.js'
import type { Ingest } from './ingest.js'
import { readHeard } from './listened-events.js'

/** What channels use while they listen; see `ListenContext`. */
export type ListenNetwork = Pick<ListenContext<unknown, unknown>, 'fetch' | 'webSocket'>

export interface SourceOptions {
  sources: Sources
  directory: Pick<Directory, 'find'>
  channels: Pick<Channels, 'runtime' | 'stateOf'>
  ingest: Pick<Ingest, 'take'>
  urls: PublicAddresses
  network: ListenNetwork
  log: Logger
  now(): Date
  /** Whether this process surely still owns its sources. */
  isOwner(): boolean
  /** An attempt ended: with a failure, or undefined if it was stopped. */
  ended(source: Source, failure: Failure | undefined): void
}

/** The configuration with which a source listens. */
export interface Listening {
  integration: OpenIntegration
  /** Changes with the configuration. */
  credentials: string
}

/** How long a channel may take until its provider accepts the connection. */
const CONNECT_MS = 120_000
/** How long a stop waits for events that are being stored, in milliseconds. */
const STOP_MS = 1_000
/** A connection that held for this time counts as a success. */
const HELD_MS = 60_000

/** A source that this process owns. Has no timer: its owner looks at `connectBy` and `nextAt` every second. */
export class Source {
  readonly id: Id
  readonly clientId: Id
  readonly #options: SourceOptions
  #kept: KeptSource
  #controller: AbortController | undefined
  #run: Promise<void> | undefined
  #writing: Promise<unknown> = Promise.resolve()
  /** Another process owns it, or it was removed. */
  #isLost = false
  /** Of the last attempt. */
  credentials: string | undefined
  /** By the monotonic clock: when an attempt that is not connected is given up, and when the next one starts. */
  connectBy = Number.POSITIVE_INFINITY
  nextAt = 0
  /** Failed attempts since something was received, or since a connection held for a while. */
  failures = 0
  /** Whether it was compared with the configuration of its integration after the last change. */
  isSettled = false
  #connectedAt = Number.POSITIVE_INFINITY

  constructor(kept: KeptSource, options: SourceOptions) {
    this.id = kept.id
    this.clientId = kept.data.clientId
    this.#kept = kept
    this.#options = options
  }

  get isRunning(): boolean {
    return this.#controller !== undefined
  }

  /** Whether the connection of the last attempt held for a while. */
  get hasHeld(): boolean {
    return monotonicMs() - this.#connectedAt > HELD_MS
  }

  get isLost(): boolean {
    return this.#isLost
  }

  /** Starts an attempt. */
  start({ integration, credentials }: Listening): void {
    const controller = new AbortController()
    this.#controller = controller
    this.credentials = credentials
    this.connectBy = monotonicMs() + CONNECT_MS
    this.#connectedAt = Number.POSITIVE_INFINITY
    this.#run = this.#attempt(integration, controller.signal).then((failure) => {
      if (this.#controller === controller) this.#controller = undefined
      this.connectBy = Number.POSITIVE_INFINITY
      this.#options.ended(this, failure)
    })
  }

  /** Ends the attempt. With a failure, as if the channel had failed. */
  abort(failure?: Failure): void {
    this.#controller?.abort(failure && new FailureError(failure))
  }

  /** Ends the attempt, and waits until nothing is stored any more, but no longer than a second. */
  async stop(): Promise<void> {
    this.abort()
    if (!this.#run) return
    let timer: NodeJS.Timeout | undefined
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, STOP_MS)
    })
    await Promise.race([this.#run, late])
    clearTimeout(timer)
  }

  /** Gives it back, if it is still owned. */
  async free(): Promise<void> {
    await this.#writing
    if (!this.#isLost) await this.#options.sources.free(this.#kept)
    this.#isLost = true
  }

  /** Stores a state. False if another process owns the source. */
  note(state: SourceState): Promise<boolean> {
    return this.#write((data) => ({ ...data, state }))
  }

  async #attempt(integration: OpenIntegration, signal: AbortSignal): Promise<Failure | undefined> {
    const { channels, log } = this.#options
    let runtime: Runtime | undefined
    try {
      runtime = await channels.runtime(integration.channel)
      const session = runtime.connect(integration.config)
      try {
        const context = this.#contextOf(integration, session, signal)
        const iterable = runtime.listen?.(context)
        if (!iterable) throw new FailureError({ kind: 'invalid', message: 'the channel cannot listen' })
        return await this.#consume(iterable[Symbol.asyncIterator](), signal)
      } finally {
        runtime.disconnect?.(session)
      }
    } catch (error) {
      if (signal.aborted) return causeOf(signal)
      if (error instanceof StoreFailed)
        return { kind: 'transient', message: 'the events cannot be stored now' }
      if (error instanceof FailureError) return error.failure
      const failure = classify(runtime, error)
      log.debug(
        { ...errorShape(error), clientId: this.clientId, source: this.id },
        'a channel failed to listen',
      )
      return failure
    }
  }

  #contextOf(
    integration: OpenIntegration,
    session: unknown,
    signal: AbortSignal,
  ): ListenContext<unknown, unknown> {
    const { channels, urls, network } = this.#options
    const { cursor } = this.#kept.data
    const { id, name } = integration
    return {
      integration: { clientId: this.clientId, id, name, config: integration.config, session },
      state: channels.stateOf(this.clientId, integration),
      webhookUrl: urls.webhook(this.clientId, name),
      signal,
      ...(cursor !== undefined && { cursor: structuredClone(cursor) }),
      ...network,
      connected: () => {
        if (!signal.aborted) this.#connected()
      },
    }
  }

  #connected(): void {
    this.connectBy = Number.POSITIVE_INFINITY
    this.#connectedAt = Math.min(this.#connectedAt, monotonicMs())
    if (this.#kept.data.state?.name === 'connected') return
    const at = this.#options.now().toISOString()
    this.note({ name: 'connected', at }).catch((err) =>
      this.#options.log.debug({ err, source: this.id }, 'cannot store the state of a source'),
    )
  }

  async #consume(iterator: AsyncIterator<unknown>, signal: AbortSignal): Promise<Failure | undefined> {
    try {
      for (;;) {
        if (!this.#options.isOwner()) this.abort()
        const next = await nextOf(iterator, signal)
        if (next === 'aborted') return causeOf(signal)
        if (next.done) return { kind: 'transient', message: 'the channel stopped listening' }
        await this.#take(next.value, signal)
        // A channel that always has a value at once must leave time for others.
        await turn()
      }
    } finally {
      // It may never answer.
      void (async () => iterator.return?.())().catch(() => undefined)
    }
  }

  /** Stores what was heard, and then the position. */
  async #take(value: unknown, signal: AbortSignal): Promise<void> {
    const { log } = this.#options
    const heard = readHeard(value)
    if (heard.invalid > 0)
      log.error(
        { clientId: this.clientId, source: this.id, count: heard.invalid },
        'a channel yielded invalid events; skipping them',
      )
    try {
      if (!(await this.#store(heard, signal))) return
      const { cursor } = heard
      if (cursor !== undefined && !(await this.#write((data) => ({ ...data, cursor })))) this.abort()
    } catch (err) {
      log.warn(
        { err, clientId: this.clientId, source: this.id },
        'cannot store what a channel heard; retrying',
      )
      throw new StoreFailed()
    }
    if (heard.events.length > 0) this.failures = 0
    if (!signal.aborted) this.#connected()
  }

  /** False if it was stopped before all events were stored: whoever listens next reads them again. */
  async #store({ events }: Heard, signal: AbortSignal): Promise<boolean> {
    const { directory } = this.#options
    const client = await directory.find({ id: this.clientId })
    const integration = client && [...client.integrations.values()].find(({ id }) => id === this.id)
    // It was deleted; the owner will notice.
    if (!client || !integration) this.abort()
    else
      await handleInOrder(events, async (event) => {
        if (this.#mayStore(signal)) await this.#storeOne(client, integration, event)
      })
    return this.#mayStore(signal)
  }

  /** After a pause of the whole process, others may have taken over. Then they also read these events. */
  #mayStore(signal: AbortSignal): boolean {
    if (!this.#options.isOwner()) this.abort()
    return !signal.aborted
  }

  async #storeOne(client: ClientView, integration: OpenIntegration, event: InboundEvent): Promise<void> {
    const { ingest, log } = this.#options
    try {
      await ingest.take(client, integration, [event])
    } catch (error) {
      if (!isPlugboardError(error, 'INVALID')) throw error
      log.error(
        { clientId: this.clientId, source: this.id, reason: error.message },
        'an event of a channel is invalid; skipping it',
      )
    }
  }

  /** Changes the stored source, one change after another. False if another process owns it. */
  #write(change: (data: SourceData) => SourceData): Promise<boolean> {
    const writing = this.#writing.then(() => this.#writeNow(change))
    this.#writing = writing.catch(() => undefined)
    return writing
  }

  async #writeNow(change: (data: SourceData) => SourceData): Promise<boolean> {
    const { sources } = this.#options
    if (this.#isLost) return false
    const written = await sources.write(this.#kept, change(this.#kept.data))
    if (written) {
      this.#kept = written
      return true
    }
    // The answer to an earlier write may have been lost.
    const found = await sources.find(this.id)
    const isMine = found !== undefined && found.data.owner === this.#kept.data.owner
    if (isMine && found.version !== this.#kept.version) {
      this.#kept = found
      return this.#writeNow(change)
    }
    this.#isLost = true
    return false
  }
}

/** Something other than the channel failed. */
class StoreFailed extends Error {}

/** Why an attempt was aborted; undefined if it was stopped. */
const causeOf = ({ reason }: AbortSignal): Failure | undefined =>
  reason instanceof FailureError ? reason.failure : undefined

/** The next value, without waiting for a channel that ignores the signal. */
function nextOf(
  iterator: AsyncIterator<unknown>,
  signal: AbortSignal,
): Promise<IteratorResult<unknown> | 'aborted'> {
  if (signal.aborted) return Promise.resolve('aborted')
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve('aborted')
    // Not `Promise.race`: each race would leave something behind at a promise that lives as long as the source.
    signal.addEventListener('abort', stop, { once: true })
    const end = (): void => signal.removeEventListener('abort', stop)
    ;(async () => iterator.next())().then(
      (result) => {
        end()
        if (typeof result !== 'object' || result === null) reject(new TypeError('no result of an iterator'))
        else resolve(result)
      },
      (error: unknown) => {
        end()
        reject(error)
      },
    )
  })
}
