import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

interface Envelope {
  envelope_id: string
  type: string
  payload: object
  accepts_response_payload: boolean
  retry_attempt: number
}

interface App {
  connections: Set<WebSocket>
  /** Envelopes that wait for a connection. */
  waiting: Envelope[]
  /** By connection, with the timer after which they are sent again. */
  unacknowledged: Map<WebSocket, Map<string, { envelope: Envelope; timer: NodeJS.Timeout }>>
}

/** Connections that an app may have at the same time. */
const MAX_CONNECTIONS = 10

/**
 * The sockets of Slack on a port of this machine. Each envelope goes to one of the connections of its app, and again to
 * one of them if it is not acknowledged in time or its connection ends, with growing delays.
 */
export class FakeSockets {
  readonly #server: WebSocketServer
  readonly #apps = new Map<string, App>()
  readonly #tickets = new Map<string, string>()
  readonly #retryMs: number
  #lastId = 0
  /** What a client did that Slack would not expect. */
  readonly faults: string[] = []
  /** Connections that were opened, by app token. */
  readonly opened: string[] = []
  /** How often an envelope was sent again that was not acknowledged in time. */
  repeated = 0
  /** Whether new connections are greeted. */
  isGreeting = true

  private constructor(server: WebSocketServer, retryMs: number) {
    this.#server = server
    this.#retryMs = retryMs
    server.on('connection', (socket, { url = '' }) => this.#connected(socket, url))
  }

  /** `retryMs`: after how long an envelope is sent again; Slack waits for three seconds. */
  static async start(retryMs = 3_000): Promise<FakeSockets> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    await once(server, 'listening')
    return new FakeSockets(server, retryMs)
  }

  /** The answer to `apps.connections.open`: an address that can be used once. */
  address(appToken: string): string {
    this.#lastId += 1
    const ticket = `ticket-${this.#lastId}`
    this.#tickets.set(ticket, appToken)
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/link/?ticket=${ticket}`
  }

  connections(appToken: string): number {
    return this.#appOf(appToken).connections.size
  }

  /** Resolves when all that was sent has arrived: a client answers pings in turn. */
  async arrived(appToken: string): Promise<void> {
    const pongs = [...this.#appOf(appToken).connections].map((socket) => {
      const pong = once(socket, 'pong')
      socket.ping()
      return pong
    })
    await Promise.all(pongs)
  }

  unacknowledged(appToken: string): number {
    const { waiting, unacknowledged } = this.#appOf(appToken)
    return [...unacknowledged.values()].reduce((sum, each) => sum + each.size, waiting.length)
  }

  send(appToken: string, type: string, payload: object): void {
    this.#lastId += 1
    const envelope_id = `envelope-${this.#lastId}`
    const envelope = { envelope_id, type, payload, accepts_response_payload: false, retry_attempt: 0 }
    this.#deliver(this.#appOf(appToken), envelope)
  }

  /** Sends a text over all connections of an app. */
  sendRaw(appToken: string, text: string): void {
    for (const socket of this.#appOf(appToken).connections) socket.send(text)
  }

  /** Announces the end of all connections of an app, and ends them after a while. */
  disconnect(appToken: string, reason: string, afterMs = 200): void {
    for (const socket of this.#appOf(appToken).connections) {
      socket.send(JSON.stringify({ type: 'disconnect', reason, debug_info: { host: 'fake' } }))
      setTimeout(() => socket.close(), afterMs).unref()
    }
  }

  /** Cuts all connections of an app. */
  cut(appToken: string): void {
    for (const socket of this.#appOf(appToken).connections) socket.terminate()
  }

  async close(): Promise<void> {
    for (const { connections, unacknowledged } of this.#apps.values()) {
      for (const each of unacknowledged.values()) for (const { timer } of each.values()) clearTimeout(timer)
      for (const socket of connections) socket.terminate()
    }
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #connected(socket: WebSocket, url: string): void {
    socket.on('error', () => undefined)
    const ticket = new URL(url, 'ws://slack').searchParams.get('ticket') ?? ''
    const appToken = this.#tickets.get(ticket)
    this.#tickets.delete(ticket)
    if (appToken === undefined) {
      this.faults.push('a connection without a ticket of its own')
      return socket.terminate()
    }
    const app = this.#appOf(appToken)
    this.opened.push(appToken)
    if (app.connections.size >= MAX_CONNECTIONS) {
      socket.send(JSON.stringify({ type: 'disconnect', reason: 'too_many_websockets' }))
      return socket.close()
    }
    app.connections.add(socket)
    app.unacknowledged.set(socket, new Map())
    socket.on('message', (data) => this.#acknowledged(app, socket, String(data)))
    socket.on('close', () => this.#closed(app, socket))
    if (!this.isGreeting) return
    socket.send(
      JSON.stringify({
        type: 'hello',
        num_connections: app.connections.size,
        connection_info: { app_id: 'A0FAKE' },
        debug_info: { host: 'fake', approximate_connection_time: 18_060 },
      }),
    )
    for (const envelope of app.waiting.splice(0)) this.#deliver(app, envelope)
  }

  #closed(app: App, socket: WebSocket): void {
    app.connections.delete(socket)
    const left = app.unacknowledged.get(socket) ?? new Map()
    app.unacknowledged.delete(socket)
    for (const { envelope, timer } of left.values()) {
      clearTimeout(timer)
      this.#deliver(app, { ...envelope, retry_attempt: envelope.retry_attempt + 1 })
    }
  }

  #acknowledged(app: App, socket: WebSocket, text: string): void {
    const { envelope_id } = JSON.parse(text) as { envelope_id: string }
    const mine = app.unacknowledged.get(socket)
    const known = mine?.get(envelope_id)
    if (!known) return
    clearTimeout(known.timer)
    mine?.delete(envelope_id)
  }

  /** Over the newest connection, since an older one may be ending. */
  #deliver(app: App, envelope: Envelope): void {
    const socket = [...app.connections].filter(({ readyState, OPEN }) => readyState === OPEN).at(-1)
    if (!socket || !this.isGreeting) {
      app.waiting.push(envelope)
      return
    }
    const again = (): void => {
      this.repeated += 1
      app.unacknowledged.get(socket)?.delete(envelope.envelope_id)
      this.#deliver(app, { ...envelope, retry_attempt: envelope.retry_attempt + 1 })
    }
    const timer = setTimeout(again, this.#retryMs * 2 ** Math.min(envelope.retry_attempt, 5))
    timer.unref()
    app.unacknowledged.get(socket)?.set(envelope.envelope_id, { envelope, timer })
    socket.send(JSON.stringify(envelope))
  }

  #appOf(appToken: string): App {
    const known = this.#apps.get(appToken) ?? {
      connections: new Set<WebSocket>(),
      waiting: [],
      unacknowledged: new Map(),
    }
    this.#apps.set(appToken, known)
    return known
  }
}
