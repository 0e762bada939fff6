import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

interface Event {
  s: number
  t: string
  d: unknown
}

interface Session {
  id: string
  token: string
  shard: [number, number]
  intents: number
  events: Event[]
  lastSeq: number
  /** The last event that the client confirmed. */
  confirmed: number
  socket: WebSocket | undefined
}

/** A connection, and what it has said. */
interface Connection {
  socket: WebSocket
  session: Session | undefined
  /** Whether this side ended it. */
  isEnded: boolean
}

const MESSAGE_CONTENT = 1 << 15
/** All intents that there are. */
const KNOWN_INTENTS = 0b11_0011_0001_1111_1111_1111_1111

/**
 * The gateway of Discord on a port of this machine: it begins and resumes sessions, replays what was not confirmed, and
 * closes connections with the codes that are documented.
 */
export class FakeGateway {
  readonly #server: WebSocketServer
  readonly #connections = new Set<Connection>()
  readonly #sessions = new Map<string, Session>()
  readonly #waiting: { token: string; t: string; d: object }[] = []
  readonly #heartbeatMs: number
  readonly #maxConcurrency: number
  #lastId = 0
  /** Tokens that are right. Default: any. */
  tokens: string[] | undefined
  shards = 1
  remaining = 1000
  /** Whether the app has the privileged intent. */
  allowsContent = true
  isAcknowledging = true
  isGreeting = true
  /** The address in `/gateway/bot` and in READY, if it is to be another. */
  otherUrl: string | undefined
  /** Queries of the connections, and what was sent over them, in order. */
  readonly opened: string[] = []
  readonly identified: { shard: [number, number]; intents: number; at: number }[] = []
  readonly resumed: { id: string; seq: number }[] = []
  readonly heartbeats: (number | null)[] = []
  /** Codes with which the client closed. */
  readonly closeCodes: number[] = []

  private constructor(server: WebSocketServer, heartbeatMs: number, maxConcurrency: number) {
    this.#server = server
    this.#heartbeatMs = heartbeatMs
    this.#maxConcurrency = maxConcurrency
    server.on('connection', (socket, { url = '' }) => this.#connected(socket, url))
  }

  static async start({ heartbeatMs = 41_250, maxConcurrency = 1 } = {}): Promise<FakeGateway> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    await once(server, 'listening')
    return new FakeGateway(server, heartbeatMs, maxConcurrency)
  }

  get url(): string {
    return this.otherUrl ?? `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The answer to `/gateway/bot`. */
  bot(): object {
    const limit = {
      total: 1000,
      remaining: this.remaining,
      reset_after: 14_400_000,
      max_concurrency: this.#maxConcurrency,
    }
    return { url: this.url, shards: this.shards, session_start_limit: limit }
  }

  get connections(): number {
    return this.#connections.size
  }

  get sessions(): number {
    return this.#sessions.size
  }

  /** Sends an event to the sessions of a bot, as soon as there is one. */
  dispatch(token: string, t: string, d: object): void {
    const sessions = [...this.#sessions.values()].filter((each) => each.token === token && takes(each, d))
    if (sessions.length === 0) this.#waiting.push({ token, t, d })
    for (const session of sessions) this.#emit(session, t, d)
  }

  /** Events that were sent, or wait, and that the client did not confirm. */
  unconfirmed(token: string): number {
    const waiting = this.#waiting.filter((each) => each.token === token).length
    return [...this.#sessions.values()]
      .filter((each) => each.token === token)
      .reduce((sum, { events, confirmed }) => sum + events.filter(({ s }) => s > confirmed).length, waiting)
  }

  /** Sends a payload over all connections. */
  send(payload: object): void {
    for (const { socket } of this.#connections) socket.send(JSON.stringify(payload))
  }

  sendRaw(text: string): void {
    for (const { socket } of this.#connections) socket.send(text)
  }

  /** Closes all connections with a code. */
  disconnect(code: number): void {
    for (const connection of this.#connections) {
      connection.isEnded = true
      connection.socket.close(code)
    }
  }

  /** Cuts all connections. */
  cut(): void {
    for (const { socket } of this.#connections) socket.terminate()
  }

  /** Forgets all sessions, as after some minutes without a connection. */
  forget(): void {
    this.#sessions.clear()
  }

  async close(): Promise<void> {
    for (const { socket } of this.#connections) socket.terminate()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #connected(socket: WebSocket, url: string): void {
    this.opened.push(url)
    const connection: Connection = { socket, session: undefined, isEnded: false }
    this.#connections.add(connection)
    socket.on('error', () => undefined)
    socket.on('message', (data) => this.#received(connection, String(data)))
    socket.on('close', (code) => this.#closed(connection, code))
    if (!/^\/\?v=10&encoding=json$/.test(url)) return socket.close(4012)
    if (this.isGreeting) socket.send(JSON.stringify({ op: 10, d: { heartbeat_interval: this.#heartbeatMs } }))
  }

  #closed(connection: Connection, code: number): void {
    this.#connections.delete(connection)
    this.closeCodes.push(code)
    const { session } = connection
    if (session?.socket === connection.socket) session.socket = undefined
    // Only these two end a session.
    if (session && !connection.isEnded && (code === 1000 || code === 1001)) this.#sessions.delete(session.id)
  }

  #received(connection: Connection, text: string): void {
    const { op, d } = JSON.parse(text) as { op: number; d: never }
    if (op === 1) return this.#beaten(connection, d)
    if (op === 2) return this.#identified(connection, d)
    if (op === 6) return this.#resumed(connection, d)
    connection.socket.close(4001)
  }

  #beaten({ socket, session }: Connection, seq: number | null): void {
    this.heartbeats.push(seq)
    if (session && seq !== null) session.confirmed = Math.max(session.confirmed, seq)
    if (this.isAcknowledging) socket.send(JSON.stringify({ op: 11 }))
  }

  #identified(
    connection: Connection,
    { token, intents, shard = [0, 1] }: { token: string; intents: number; shard?: [number, number] },
  ): void {
    const { socket } = connection
    if (connection.session) return socket.close(4005)
    this.remaining -= 1
    if (this.tokens && !this.tokens.includes(token)) return socket.close(4004)
    if ((intents & ~KNOWN_INTENTS) !== 0) return socket.close(4013)
    if ((intents & MESSAGE_CONTENT) !== 0 && !this.allowsContent) return socket.close(4014)
    if (shard[0] >= shard[1]) return socket.close(4010)
    if (shard[1] < this.shards) return socket.close(4011)
    const group = shard[0] % this.#maxConcurrency
    const at = performance.now()
    const isEarly = this.identified.some(
      (each) => each.shard[0] % this.#maxConcurrency === group && at - each.at < 4_900,
    )
    this.identified.push({ shard, intents, at })
    if (isEarly) return socket.send(JSON.stringify({ op: 9, d: false }))
    this.#lastId += 1
    const session: Session = {
      ...{ id: `session-${this.#lastId}`, token, shard, intents, events: [], lastSeq: 0, confirmed: 0 },
      socket,
    }
    this.#sessions.set(session.id, session)
    connection.session = session
    const user = { id: selfOf(token), username: 'plugboard', bot: true }
    const ready = { v: 10, user, guilds: [], session_id: session.id, resume_gateway_url: this.url, shard }
    this.#emit(session, 'READY', ready)
    session.confirmed = 1
    for (const { t, d } of this.#waiting.filter((each) => each.token === token && takes(session, each.d)))
      this.#emit(session, t, d)
    const left = this.#waiting.filter((each) => each.token !== token || !takes(session, each.d))
    this.#waiting.splice(0, this.#waiting.length, ...left)
  }

  #resumed(
    connection: Connection,
    { token, session_id, seq }: { token: string; session_id: string; seq: number },
  ): void {
    const { socket } = connection
    this.resumed.push({ id: session_id, seq })
    if (this.tokens && !this.tokens.includes(token)) return socket.close(4004)
    const session = this.#sessions.get(session_id)
    if (!session || session.token !== token) return socket.send(JSON.stringify({ op: 9, d: false }))
    if (seq > session.lastSeq) return socket.close(4007)
    connection.session = session
    session.socket = socket
    session.confirmed = Math.max(session.confirmed, seq)
    for (const event of session.events) if (event.s > seq) socket.send(JSON.stringify({ op: 0, ...event }))
    this.#emit(session, 'RESUMED', {})
  }

  #emit(session: Session, t: string, d: unknown): void {
    session.lastSeq += 1
    const event = { s: session.lastSeq, t, d }
    // What only belongs to the connection is not replayed.
    if (t !== 'READY' && t !== 'RESUMED') session.events.push(event)
    session.socket?.send(JSON.stringify({ op: 0, ...event }))
  }
}

/** The user id of a bot: not that of its application, as with old apps. */
const selfOf = (token: string): string =>
  String(800_000 + [...token].reduce((sum, each) => sum + each.charCodeAt(0), 0))

/** Whether an event goes to this shard. https://docs.discord.com/developers/events/gateway#sharding */
function takes({ shard: [index, count] }: Session, event: object): boolean {
  const guild: unknown = Reflect.get(event, 'guild_id')
  return typeof guild === 'string' ? Number((BigInt(guild) >> 22n) % BigInt(count)) === index : index === 0
}
