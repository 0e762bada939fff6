import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Bucket } from './token-bucket.js'

/** Bytes that may wait for a client before it is cut: it continues when it connects again. */
export const MAX_WAITING = 1_048_576

/** Packets and bytes that a client may send: more than any chat does, and less than delays others. */
const PACKETS = { burst: 300, perSecond: 50 }
const BYTES = { burst: 2_097_152, perSecond: 262_144 }

/** Bytes beneath which enough was sent to go on. */
const FEW_BYTES = 65_536
/** How often that is looked at, in milliseconds. */
const LOOK_MS = 20
/** How long a client may take to read what it asked for, in milliseconds. */
const READ_MS = 20_000

/** Why a connection was cut: its client sends too much, or does not read. */
export type CutReason = 'flood' | 'slow'

export interface LineOptions {
  raw: Socket
  /** Counts a packet of this size among those of other sockets. */
  mayCarry(size: number): boolean
  /** Whether there may be one more among those that do not read as fast as they are sent to; one less. */
  slows(): boolean
  recovers(): void
  /** Told that it was cut. */
  cut(reason: CutReason): void
}

/** What a line needs of a connection of engine.io. */
export type LineConnection = EventEmitter & { close(): unknown }

/** The connection of a client: what comes in and what waits to go out is counted, and too much of it ends it. */
export class Line {
  readonly #connection: LineConnection
  readonly #raw: Socket
  readonly #options: LineOptions
  #isSlow = false
  readonly #packets = new Bucket(PACKETS)
  readonly #bytes = new Bucket(BYTES)
  /** Characters that the connection holds back until what was sent before is on its way. */
  #queued = 0
  #read: number
  #isClosed = false
  /** Resolves when it is closed. */
  readonly closed: Promise<void>

  constructor(connection: LineConnection, options: LineOptions) {
    const { raw, mayCarry } = options
    this.#options = options
    this.#connection = connection
    this.#raw = raw
    this.#read = raw.bytesRead
    connection.on('packet', ({ type, data }: { type: string; data?: unknown }) => {
      const size = typeof data === 'string' || Buffer.isBuffer(data) ? data.length : 0
      const isTooMuch = !this.#packets.take(1) || !this.#bytes.take(size)
      // The signs of life of many idle sockets are no work.
      if (isTooMuch || (type === 'message' && !mayCarry(size))) this.cut('flood')
    })
    connection.on('packetCreate', ({ data }: { data?: unknown }) => {
      if (typeof data === 'string') this.#queued += data.length
    })
    connection.on('flush', () => {
      this.#queued = 0
    })
    connection.on('close', () => {
      this.#isClosed = true
      this.#recover()
      // What waits would be kept until the client says goodbye.
      if (raw.writableLength > FEW_BYTES) raw.destroy()
    })
    this.closed = new Promise((resolve) => raw.once('close', () => resolve()))
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** What waits to go out, in characters or bytes. */
  get waiting(): number {
    return this.#queued + this.#raw.writableLength
  }

  /** Whether this many unrequested characters may be sent to the client. */
  mayWait(size: number): boolean {
    const { waiting } = this
    if (waiting <= FEW_BYTES) this.#recover()
    else if (!this.#isSlow) this.#isSlow = this.#options.slows()
    return waiting <= FEW_BYTES || (this.#isSlow && waiting + size <= MAX_WAITING)
  }

  #recover(): void {
    if (this.#isSlow) this.#options.recovers()
    this.#isSlow = false
  }

  /** Ends it so that the client connects again. */
  close(): void {
    this.#connection.close()
  }

  /** Ends it without a goodbye. Without a reason: the server stops. */
  cut(reason?: CutReason): void {
    if (reason && !this.#raw.destroyed) this.#options.cut(reason)
    this.#raw.destroy()
  }

  /**
   * Waits until the client has read most of what was sent to it. A client that takes too long is cut; `isTooLong`: it does
   * already.
   */
  async drained(isTooLong = (): boolean => false): Promise<void> {
    const deadline = performance.now() + READ_MS
    while (this.waiting > FEW_BYTES && !this.#isClosed) {
      if (performance.now() > deadline || isTooLong()) return this.cut('slow')
      await sleep(LOOK_MS, undefined, { ref: false })
    }
  }

  /**
   * Looks for what is beneath packets, such as pings of WebSocket, which are answered. `seconds`: since the last look;
   * `most`: bytes that may wait.
   */
  look(seconds: number, most: number): void {
    const { bytesRead, writableLength } = this.#raw
    if (this.waiting <= FEW_BYTES) this.#recover()
    const fresh = bytesRead - this.#read
    this.#read = bytesRead
    if (fresh > 2 * (BYTES.burst + seconds * BYTES.perSecond)) this.cut('flood')
    else if (writableLength > most) this.cut('slow')
  }
}
