import { FailureError, type HostWebSocket, isUrl, type ListenContext, readJson } from '@plugboard/core'
import { z } from 'zod'
import { type Call, openConnection, type Session } from './api.js'
import type { Config, Options } from './config.js'
import { MAX_JSON_VALUES } from './limits.js'
import { isSlackHost } from './slack-host.js'

type Context = ListenContext<Config, Session>

/** One connection, and what became of it. */
interface Connection {
  socket: HostWebSocket
  isGreeted: boolean
}

/** An envelope that has to be acknowledged. */
export interface Delivered {
  envelope: object
  /** Of the envelope, in UTF-16 units. */
  size: number
  connection: Connection
  /** Without effect if the connection is gone: Slack then sends the envelope again over another one. */
  acknowledge(): void
}

/** Envelopes that are given at once: few, because Slack expects acknowledgements within three seconds. */
const MAX_BATCH = 10
/** Envelopes that wait, and their size in UTF-16 units. With more, Slack sends them again later. */
const MAX_WAITING = 1_000
const MAX_WAITING_SIZE = 8_000_000
/** Most new connections in a time, in milliseconds. With more, the host pauses. */
const MAX_RENEWALS = 3
const RENEWALS_MS = 15_000

const messageSchema = z.looseObject({
  type: z.string(),
  envelope_id: z.string().min(1).max(200).optional(),
  reason: z.string().optional(),
})

/** Reasons for which Slack ends a connection for good, and what to do. Others are routine: a new one is opened. */
const ENDED: Readonly<Record<string, string>> = {
  link_disabled: 'Socket Mode is turned off: turn it on, on the page Socket Mode of the app',
  too_many_websockets:
    'the app has ten connections already, so other programs use its Socket Mode: stop them, or use another app',
}

/**
 * The connections of an app. Slack ends each after some hours, and says so before: then a new one is opened before the
 * old one ends, so there are two for a short time.
 */
export class SocketMode {
  readonly #call: Call
  readonly #options: Options
  readonly #context: Context
  readonly #connections = new Set<Connection>()
  /** The newest connection. */
  #current: Connection | undefined
  /** By id. Slack sends an envelope again that waits for too long. */
  readonly #waiting = new Map<string, Delivered>()
  /** By id, what was given and is not acknowledged: the connections over which it came, again if storing it took long. */
  readonly #given = new Map<string, Set<Connection>>()
  #waitingSize = 0
  #failure: unknown
  /** When the last new connections were opened. */
  #renewals: number[] = []
  #wake: () => void = () => undefined
  #isClosed = false

  constructor(call: Call, options: Options, context: Context) {
    this.#call = call
    this.#options = options
    this.#context = context
    context.signal.addEventListener('abort', this.#abort, { once: true })
  }

  /** Opens the first connection, or another one. @throws FailureError */
  async open(): Promise<void> {
    const { integration, webSocket } = this.#context
    const url = this.#checked(
      await openConnection(this.#call, integration.config.appToken ?? '', this.#context),
    )
    if (this.#isClosed) return
    const connection = { socket: webSocket(url), isGreeted: false }
    this.#connections.add(connection)
    this.#current = connection
    const { socket } = connection
    socket.addEventListener('message', ({ data }) => this.#received(connection, data))
    socket.addEventListener('close', () => this.#ended(connection))
  }

  /** The next envelopes, once there are some. @throws FailureError when there is no connection any more */
  async take(): Promise<Delivered[]> {
    for (;;) {
      const next = [...this.#waiting].slice(0, MAX_BATCH)
      if (next.length > 0) return next.map((each) => this.#taken(...each))
      if (this.#failure !== undefined) throw this.#failure
      this.#retire()
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #taken(id: string, delivered: Delivered): Delivered {
    this.#waiting.delete(id)
    this.#waitingSize -= delivered.size
    this.#given.set(id, new Set([delivered.connection]))
    return delivered
  }

  /** Closes older connections once a newer one works. All that came over them is acknowledged now. */
  #retire(): void {
    if (!this.#current?.isGreeted) return
    for (const connection of this.#connections) if (connection !== this.#current) connection.socket.close()
  }

  close(): void {
    this.#isClosed = true
    this.#context.signal.removeEventListener('abort', this.#abort)
    for (const { socket } of this.#connections) socket.close()
    this.#fail(failure('it was stopped'))
  }

  readonly #abort = (): void => this.close()

  /** The address is from Slack, but what it leads to is of no use elsewhere. */
  #checked(url: unknown): string {
    const { hostname, protocol } = isUrl(String(url)) ? new URL(String(url)) : EMPTY
    const own = new URL(this.#options.slackApiUrl)
    const isSocket = protocol === 'wss:' || (protocol === 'ws:' && own.protocol === 'http:')
    if (isSocket && hostname === own.hostname) return String(url)
    if (protocol === 'wss:' && isSlackHost(hostname)) return String(url)
    throw failure('the address that Slack answered for the socket is not of Slack')
  }

  #received(connection: Connection, data: unknown): void {
    if (this.#failure !== undefined) return
    const message = messageSchema.safeParse(parse(data)).data
    if (!message) return
    const { type, envelope_id, reason = '' } = message
    if (type === 'hello') this.#greeted(connection)
    else if (type === 'disconnect') this.#mustEnd(connection, reason)
    else if (envelope_id !== undefined) this.#wait(connection, envelope_id, message, String(data).length)
  }

  #wait(connection: Connection, id: string, envelope: object, size: number): void {
    const given = this.#given.get(id)
    // It is being stored. One acknowledgement is for all times that it came.
    if (given) {
      given.add(connection)
      return
    }
    const acknowledge = (): void => this.#acknowledge(id)
    this.#waitingSize += size - (this.#waiting.get(id)?.size ?? 0)
    this.#waiting.set(id, { envelope, size, connection, acknowledge })
    if (this.#waiting.size > MAX_WAITING || this.#waitingSize > MAX_WAITING_SIZE)
      this.#fail(failure('Slack sent more than can be stored'))
    this.#wake()
  }

  #acknowledge(id: string): void {
    for (const { socket } of this.#given.get(id) ?? []) socket.send(JSON.stringify({ envelope_id: id }))
    this.#given.delete(id)
  }

  #greeted(connection: Connection): void {
    connection.isGreeted = true
    this.#context.connected()
    this.#wake()
  }

  #mustEnd(connection: Connection, reason: string): void {
    const message = Object.hasOwn(ENDED, reason) ? ENDED[reason] : undefined
    if (message !== undefined) this.#fail(failure(message))
    else if (connection === this.#current) this.#renew()
  }

  #ended(connection: Connection): void {
    this.#connections.delete(connection)
    if (this.#isClosed || connection !== this.#current) return
    if (connection.isGreeted) this.#renew()
    else this.#fail(failure('no connection to the Socket Mode of Slack'))
  }

  #renew(): void {
    this.#current = undefined
    const now = performance.now()
    this.#renewals = [...this.#renewals.filter((at) => now - at < RENEWALS_MS), now]
    if (this.#renewals.length > MAX_RENEWALS)
      return this.#fail(failure('Slack ends each connection shortly after it began'))
    this.open().catch((error: unknown) => this.#fail(error))
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    this.#wake()
  }
}

const EMPTY = { hostname: '', protocol: '' }

const failure = (message: string): FailureError => new FailureError({ kind: 'transient', message })

/** Undefined for what is no JSON within the limits of a request over HTTP. */
function parse(data: unknown): unknown {
  try {
    return readJson(typeof data === 'string' ? data : '', 'message', { maxValues: MAX_JSON_VALUES })
  } catch {
    return undefined
  }
}
