import { FailureError, type HostWebSocket, readJson } from '@plugboard/core'
import { z } from 'zod'
import type { GatewaySession } from './cursor.js'
import { snowflake } from './endpoint.js'

/** https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway */
const [DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID_SESSION, HELLO, HEARTBEAT_ACK] = [
  0, 1, 2, 6, 7, 9, 10, 11,
]
/** Any code but 1000 and 1001 keeps the session, so that it can be resumed. */
const KEEP_SESSION = 4000
/** The session cannot be resumed: not authenticated, invalid sequence, timed out. */
const SESSION_LOST = new Set([4003, 4007, 4009])
/** Most values in the JSON of an event. The first one names each server of the bot. */
const MAX_VALUES = 100_000
/** Most new connections in a time, in milliseconds. With more, the host pauses. */
const MAX_RENEWALS = 5
const RENEWALS_MS = 60_000
/** How long Discord may take to say hello and to accept the session, in milliseconds. */
const GREETING_MS = 60_000
/** How long to wait after an invalid session, in milliseconds: a random time between these. */
const [MIN_PAUSE_MS, MAX_PAUSE_MS] = [1_000, 5_000]

const payloadSchema = z.object({
  op: z.int(),
  d: z.unknown().optional(),
  s: z.int().min(0).nullish(),
  t: z.string().max(100).nullish(),
})
const helloSchema = z.object({ heartbeat_interval: z.int().min(10).max(3_600_000) })
const readySchema = z.object({
  session_id: z.string().min(1).max(200),
  resume_gateway_url: z.string().max(300),
  user: z.object({ id: snowflake }),
})

/** An event of a shard. */
export interface Dispatch {
  shard: Shard
  session: GatewaySession
  seq: number
  name: string
  data: unknown
  /** In UTF-16 units of its JSON. */
  size: number
}

/** What a shard needs of the connection as a whole. */
export interface ShardHost {
  token: string
  intents: number
  shardCount: number
  webSocket(url: string): HostWebSocket
  /** Checks the address of a session. Undefined for one that is not of Discord. */
  urlFor(given: string): string | undefined
  /** Waits until the shard may start a session, and answers where. @throws FailureError */
  turn(shard: number): Promise<string>
  ready(self: string | undefined): void
  received(dispatch: Dispatch): void
  failed(error: unknown): void
}

/** The bot needs another number of shards, so that no session can go on. */
export class ShardsChanged extends FailureError {}

/** One connection, and what became of it. */
interface Connection {
  socket: HostWebSocket
  isReady: boolean
  /** Whether the last heartbeat was answered. */
  isAlive: boolean
  /** Whether this side has given it up. */
  isOver: boolean
  timer: NodeJS.Timeout | undefined
}

/**
 * One shard: a connection that is opened again whenever it ends, with the session that it had.
 * https://docs.discord.com/developers/events/gateway#connections
 */
export class Shard {
  readonly index: number
  readonly #host: ShardHost
  #session: GatewaySession | undefined
  #connection: Connection | undefined
  #pause: NodeJS.Timeout | undefined
  /** When the last connections were opened. */
  #renewals: number[] = []
  #isClosed = false

  constructor(index: number, session: GatewaySession | undefined, host: ShardHost) {
    this.index = index
    this.#session = session
    this.#host = host
  }

  /** With the number of the last event that was confirmed. */
  get session(): GatewaySession | undefined {
    return this.#session
  }

  /** Opens a connection: to go on with the session, or to start one. @throws FailureError */
  async open(): Promise<void> {
    const resumed = this.#session && this.#host.urlFor(this.#session.url)
    if (resumed === undefined) this.#session = undefined
    const url = resumed ?? (await this.#host.turn(this.index))
    if (this.#isClosed) return
    const connection: Connection = {
      socket: this.#host.webSocket(url),
      ...{ isReady: false, isAlive: true, isOver: false, timer: undefined },
    }
    this.#connection = connection
    const { socket } = connection
    this.#schedule(connection, GREETING_MS, () => {
      socket.close(KEEP_SESSION)
      this.#ended(connection)
    })
    socket.addEventListener('message', ({ data }) => this.#received(connection, data))
    socket.addEventListener('close', ({ code }) => this.#ended(connection, code))
  }

  /** The effects of an event are stored, so Discord need not send it again. */
  confirm({ session, seq }: Dispatch): void {
    session.seq = Math.max(session.seq, seq)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#pause)
    if (this.#connection) this.#giveUp(this.#connection)
  }

  #giveUp(connection: Connection): void {
    connection.isOver = true
    clearTimeout(connection.timer)
    connection.socket.close(KEEP_SESSION)
  }

  #schedule(connection: Connection, ms: number, then: () => void): void {
    clearTimeout(connection.timer)
    connection.timer = setTimeout(then, ms).unref()
  }

  #received(connection: Connection, data: unknown): void {
    if (connection.isOver) return
    const payload = payloadSchema.safeParse(parse(data)).data
    if (!payload) return
    const { op, d } = payload
    switch (op) {
      case HELLO:
        return this.#greeted(connection, d)
      case HEARTBEAT:
        return this.#beat(connection)
      case HEARTBEAT_ACK:
        connection.isAlive = true
        return
      case RECONNECT:
        return this.#renew(connection)
      case INVALID_SESSION:
        return this.#invalidated(connection, d === true)
      case DISPATCH:
        return this.#dispatched(connection, payload, String(data).length)
    }
  }

  #greeted(connection: Connection, data: unknown): void {
    const hello = helloSchema.safeParse(data).data
    if (!hello) return
    const { heartbeat_interval: interval } = hello
    const { token, intents, shardCount } = this.#host
    const session = this.#session
    if (session) this.#send(connection, RESUME, { token, session_id: session.id, seq: session.seq })
    else {
      const properties = { os: process.platform, browser: 'plugboard', device: 'plugboard' }
      this.#send(connection, IDENTIFY, { token, intents, shard: [this.index, shardCount], properties })
    }
    const next = (): void => {
      if (!connection.isAlive) return this.#renew(connection)
      connection.isAlive = false
      this.#beat(connection)
      this.#schedule(connection, interval, next)
    }
    // At a random time first, so that connections that were opened together do not beat together.
    this.#schedule(connection, interval * Math.random(), next)
  }

  /** The last event that is stored, and not the last that was received: Discord may forget what is before it. */
  #beat({ socket }: Connection): void {
    socket.send(JSON.stringify({ op: HEARTBEAT, d: this.#session?.seq ?? null }))
  }

  #send({ socket }: Connection, op: number, d: object): void {
    socket.send(JSON.stringify({ op, d }))
  }

  #dispatched(connection: Connection, { s, t, d }: z.infer<typeof payloadSchema>, size: number): void {
    if (s == null || !t) return
    if (t === 'READY') {
      const ready = readySchema.safeParse(d).data
      if (!ready) return this.#host.failed(failure('Discord began a session in an unknown form'))
      const { session_id, resume_gateway_url, user } = ready
      this.#session = { id: session_id, seq: s, url: resume_gateway_url }
      connection.isReady = true
      return this.#host.ready(user.id)
    }
    const session = this.#session
    if (!session) return
    if (t === 'RESUMED') {
      connection.isReady = true
      this.#host.ready(undefined)
    }
    this.#host.received({ shard: this, session, seq: s, name: t, data: d, size })
  }

  #invalidated(connection: Connection, isResumable: boolean): void {
    if (!isResumable) this.#session = undefined
    this.#giveUp(connection)
    const pause = MIN_PAUSE_MS + Math.random() * (MAX_PAUSE_MS - MIN_PAUSE_MS)
    this.#pause = setTimeout(() => this.#renew(connection), pause).unref()
  }

  /** https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes */
  #ended(connection: Connection, code = 1006): void {
    if (connection.isOver || this.#isClosed) return
    connection.isOver = true
    clearTimeout(connection.timer)
    const final = finalFailure(code, this.#host.shardCount)
    if (final) return this.#host.failed(final)
    // After 1000 and 1001 too: only this side ends a session with them.
    if (SESSION_LOST.has(code)) this.#session = undefined
    this.#renew(connection)
  }

  #renew(connection: Connection): void {
    if (this.#isClosed || connection !== this.#connection) return
    this.#giveUp(connection)
    this.#connection = undefined
    const now = performance.now()
    this.#renewals = [...this.#renewals.filter((at) => now - at < RENEWALS_MS), now]
    if (this.#renewals.length > MAX_RENEWALS)
      return this.#host.failed(failure('Discord ends each connection shortly after it began'))
    this.open().catch((error: unknown) => this.#host.failed(error))
  }
}

/** Codes after which the same would fail again. */
function finalFailure(code: number, shardCount: number): FailureError | undefined {
  switch (code) {
    case 4004:
      return new FailureError({
        ...{ kind: 'auth', field: 'botToken', code: '4004' },
        message: 'Discord does not accept the token (4004)',
      })
    case 4010:
    case 4011:
      return new ShardsChanged({
        ...{ kind: 'transient', code: String(code) },
        message: `Discord wants more connections than ${shardCount}, because the bot is in many servers (${code})`,
      })
    case 4012:
      return new FailureError({
        ...{ kind: 'invalid', code: '4012' },
        message: 'Discord does not support version 10 of the gateway any more (4012): update Plugboard',
      })
    case 4013:
      return new FailureError({
        ...{ kind: 'invalid', code: '4013' },
        message: 'Discord does not know one of the intents any more (4013): update Plugboard',
      })
    case 4014:
      return new FailureError({
        ...{ kind: 'invalid', code: '4014' },
        message:
          'the Message Content Intent is not allowed (4014): turn it on, on the page Bot of the app, or sync "messageContent": false',
      })
    default:
      return undefined
  }
}

const failure = (message: string): FailureError => new FailureError({ kind: 'transient', message })

/** Undefined for what is no JSON. */
function parse(data: unknown): unknown {
  try {
    return readJson(typeof data === 'string' ? data : '', 'event', { maxValues: MAX_VALUES })
  } catch {
    return undefined
  }
}
