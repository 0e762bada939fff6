import type { IncomingMessage } from 'node:http'
import type { Socket as RawSocket } from 'node:net'
import { type ErrorCode, isPlugboardError } from '@plugboard/core'
import { type Socket as Connection, Server as Engine } from 'engine.io'
import { Server, type Socket } from 'socket.io'
import { Adapter } from 'socket.io-adapter'
import { within } from '../deadline.js'
import type { Metrics } from '../metrics/metrics.js'
import { Line, MAX_WAITING } from './bounded-connection.js'
import { FAILED, type HandshakeOptions, identify, type Person, Refusal } from './handshake.js'
import type { Room } from './limits.js'
import { PacketDecoder, PacketEncoder } from './packets.js'
import { MAX_LIST } from './requests.js'
import { Session, type SessionOptions } from './session.js'

/** A body of the API, which has 150 kB at most, and what is around it. */
const MAX_PACKET_BYTES = 163_840

/** How often a client is asked whether it is there, and how long it may take, in milliseconds. */
const PING = { pingInterval: 25_000, pingTimeout: 20_000 }
/** How long a connection may be without credentials, in milliseconds. */
const CONNECT_MS = 10_000
/** How often all connections are looked at, in milliseconds. */
const LOOK_MS = 5_000
/** At which of these looks it is looked whether their clients are still there. */
const LOOKS_AT_CLIENTS = 6
/** How long a stop waits for requests in progress, and then for goodbyes, in milliseconds. */
const FINISH_MS = 1_000

/** Why a user cannot be made or found, which is no fault of this server. */
const EXPECTED: ReadonlySet<ErrorCode> = new Set(['NOT_FOUND', 'RATE_LIMITED', 'NO_SPACE'])

/** Where a connection comes from. */
export interface Peer {
  raw: RawSocket
  network: string
  /** Among the connections of this network. */
  room: Room
}

/** A connection, and how far it is. */
interface Visit extends Peer {
  /** It is authenticated now, or was: once at a time, and never again. */
  isTaken: boolean
  /** Among the sockets of its client. */
  clientRoom?: Room
}

export interface GatewayOptions extends HandshakeOptions, SessionOptions {
  metrics: Metrics
}

/** socket.io as the Messaging API uses it: over WebSocket only, in one namespace. */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #engine: Engine
  readonly #visits = new WeakMap<object, Visit>()
  readonly #lines = new Map<Connection, Line>()
  readonly #sessions = new Set<Session>()
  readonly #timer: NodeJS.Timeout
  #looks = 0
  #isClosing = false

  constructor(options: GatewayOptions) {
    this.#options = options
    this.#engine = new Engine({
      ...{ transports: ['websocket'], allowUpgrades: false, maxHttpBufferSize: MAX_PACKET_BYTES, ...PING },
    })
    const io = new Server({
      ...{ serveClient: false, connectTimeout: CONNECT_MS },
      parser: { Encoder: PacketEncoder, Decoder: PacketDecoder },
      // Clients give back the offset of their last event. Where they continue is in it, and nothing is kept here.
      ...{ connectionStateRecovery: {}, adapter: Adapter },
    })
    // First, so that what comes in is counted before it is parsed.
    this.#engine.on('connection', (connection: Connection) => this.#opened(connection))
    io.bind(this.#engine)
    io.use((socket, next) => {
      this.#admit(socket).then(
        () => next(),
        (error: unknown) => next(this.#refusalOf(error)),
      )
    })
    io.on('connection', (socket) => this.#connected(socket))
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref()
  }

  /** Takes a connection out of HTTP. */
  accept(request: IncomingMessage, peer: Peer, head: Buffer): void {
    if (this.#isClosing || peer.raw.destroyed) return void peer.raw.destroy()
    this.#visits.set(request, { ...peer, isTaken: false })
    this.#engine.handleUpgrade(request, peer.raw, head)
  }

  #opened(connection: Connection): void {
    const visit = this.#visits.get(connection.request)
    if (!visit) return connection.close(true)
    this.#visits.set(connection, visit)
    const line = new Line(connection, {
      raw: visit.raw,
      mayCarry: (size) => visit.room.take(size) && (visit.clientRoom?.take(size) ?? true),
      slows: () => slowsIn([visit.room, visit.clientRoom]),
      recovers: () => {
        for (const room of [visit.room, visit.clientRoom]) room?.recovers()
      },
      cut: (reason) => this.#options.metrics.socketCut(reason),
    })
    this.#lines.set(connection, line)
    connection.on('close', () => {
      this.#lines.delete(connection)
      visit.clientRoom?.release()
    })
  }

  async #admit(socket: Socket): Promise<void> {
    const visit = this.#visits.get(socket.conn)
    if (!visit || visit.isTaken || this.#isClosing) throw new Refusal(FAILED)
    visit.isTaken = true
    const { auth, query } = socket.handshake
    try {
      const data: { person?: Person } = socket.data
      data.person = await identify(this.#options, {
        ...{ auth, userData: query.userData, network: visit.network },
        takeRoom: (clientId) => {
          const room = this.#options.limits.open({ clientId })
          if (room) visit.clientRoom = room
          return room !== undefined
        },
      })
    } catch (error) {
      // It may try again, with other credentials.
      visit.clientRoom?.release()
      delete visit.clientRoom
      visit.isTaken = false
      throw error
    }
    if (!this.#lines.has(socket.conn)) visit.clientRoom?.release()
  }

  #refusalOf(error: unknown): Error {
    if (error instanceof Refusal) return error
    const isTheirs = isPlugboardError(error) && EXPECTED.has(error.code)
    if (!isTheirs) this.#options.log.error({ err: error }, 'a socket could not be authenticated')
    return new Refusal(FAILED)
  }

  #connected(socket: Socket): void {
    const line = this.#lines.get(socket.conn)
    const visit = this.#visits.get(socket.conn)
    const { person }: { person?: Person } = socket.data
    if (!line || !visit || !person) return void socket.disconnect(true)
    socket.data = {}
    forget(socket)
    const session = new Session(this.#options, { socket, line, person, network: visit.network })
    this.#sessions.add(session)
    this.#options.metrics.socketOpened()
    socket.once('disconnect', () => {
      this.#sessions.delete(session)
      this.#options.metrics.socketClosed()
    })
    session.begin(person).catch((err) => {
      this.#options.log.error({ err }, 'a socket could not begin')
      line.close()
    })
  }

  #look(): void {
    for (const line of this.#lines.values()) line.look(LOOK_MS / 1000, MAX_LIST + MAX_WAITING)
    for (const session of this.#sessions) if (session.endsAt <= Date.now()) void session.finish()
    this.#looks += 1
    if (this.#looks % LOOKS_AT_CLIENTS !== 0) return
    this.#endOfDeleted().catch((err) => this.#options.log.warn({ err }, 'cannot look for deleted clients'))
  }

  /** Also of those that were disabled. */
  async #endOfDeleted(): Promise<void> {
    const { hub } = this.#options
    const ids = new Set([...this.#sessions].map(({ clientId }) => clientId))
    for (const id of ids) {
      const client = await hub.clients.find({ id })
      if (client && !client.record.disabled) continue
      for (const session of this.#sessions) if (session.clientId === id) void session.finish()
    }
  }

  /** Ends all sockets so that their clients connect again, after the requests in progress. */
  async close(): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#timer)
    const finished = Promise.all([...this.#sessions].map((session) => session.finish()))
    await within(FINISH_MS, finished).catch(() => undefined)
    const lines = [...this.#lines.values()]
    for (const line of lines) line.close()
    await within(FINISH_MS, Promise.all(lines.map((line) => line.closed))).catch(() => undefined)
    for (const line of lines) line.cut()
  }
}

/** Counts a slow socket in all of its rooms, or in none. */
function slowsIn(rooms: readonly (Room | undefined)[]): boolean {
  const counted: Room[] = []
  for (const room of rooms) {
    if (room && !room.slows()) {
      for (const each of counted) each.recovers()
      return false
    }
    if (room) counted.push(room)
  }
  return true
}

/** The request of a connection is kept by socket.io, its engine and Node. What is in it was read, and takes kilobytes. */
function forget({ conn, handshake, request }: Socket): void {
  request.headers = {}
  request.rawHeaders = []
  Reflect.set(request, '_query', undefined)
  Object.assign(handshake, { headers: {}, query: {}, auth: {} })
  Reflect.set(conn, 'request', null)
}
