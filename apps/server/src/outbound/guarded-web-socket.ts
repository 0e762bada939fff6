import type { HostWebSocket } from '@plugboard/core'
import type { WebSocket as Socket } from 'ws'
import { lazyModule } from '../lazy.js'
import { type Allowance, refusal, TargetForbiddenError } from './guard.js'
import type { Lookup } from './guarded-connect.js'

export interface WebSocketOptions {
  allowance: Allowance
  /** For name, connection and handshake together, in milliseconds. */
  timeoutMs: number
  /** How often the connection is checked, in milliseconds. Default: 15 seconds. */
  pingMs?: number
  /** Default: the system's resolver. */
  lookup?: Lookup
}

/** Longest message that is read, in bytes. */
const MAX_MESSAGE_BYTES = 1_048_576
const PING_MS = 15_000
/** Code of a connection that was not closed properly, or that there never was: RFC 6455, section 7.4.1. */
const NO_CONNECTION = 1006

/** Loaded when the first channel opens a socket. */
const loading = lazyModule(() => Promise.all([import('ws'), import('./guarded-connect.js')]))

/**
 * WebSockets for channels: they reach permitted addresses only, follow no redirects, and are closed when the other side
 * does not answer a ping before the next one. One timer checks all of them.
 */
export function guardedWebSocket(options: WebSocketOptions) {
  const { allowance, pingMs = PING_MS } = options
  const open = new Set<GuardedWebSocket>()
  let timer: NodeJS.Timeout | undefined

  function check(): void {
    for (const socket of open) socket.check()
    if (open.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return (url: string): HostWebSocket => {
    const reason = refusal(url.replace(/^ws/i, 'http'), allowance)
    if (reason) throw new TargetForbiddenError(reason)
    const socket = new GuardedWebSocket(() => open.delete(socket))
    open.add(socket)
    timer ??= setInterval(check, pingMs).unref()
    socket.connect(url, options)
    return socket
  }
}

class GuardedWebSocket extends EventTarget implements HostWebSocket {
  readonly #ended: () => void
  #socket: Socket | undefined
  #isAlive = true
  #isClosed = false

  constructor(ended: () => void) {
    super()
    this.#ended = ended
  }

  connect(url: string, { allowance, timeoutMs, lookup }: WebSocketOptions): void {
    loading().then(
      ([{ WebSocket }, { guardedLookup }]) => {
        if (this.#isClosed) return
        const socket = new WebSocket(url, {
          lookup: guardedLookup(allowance, lookup),
          handshakeTimeout: timeoutMs,
          maxPayload: MAX_MESSAGE_BYTES,
          followRedirects: false,
          perMessageDeflate: false,
        })
        this.#socket = socket
        socket.on('open', () => this.dispatchEvent(new Event('open')))
        socket.on('message', (data: Buffer, isBinary: boolean) => {
          this.#isAlive = true
          this.dispatchEvent(new MessageEvent('message', { data: isBinary ? data : data.toString() }))
        })
        socket.on('pong', () => {
          this.#isAlive = true
        })
        socket.on('error', () => this.dispatchEvent(new Event('error')))
        socket.on('close', (code) => this.#end(code))
      },
      () => {
        this.dispatchEvent(new Event('error'))
        this.#end()
      },
    )
  }

  /** Ends the connection if the other side was silent since the last check, and asks it for a sign of life. */
  check(): void {
    const socket = this.#socket
    if (socket?.readyState !== socket?.OPEN) return
    if (!this.#isAlive) socket?.terminate()
    else socket?.ping()
    this.#isAlive = false
  }

  send(data: string): void {
    // What is sent to a socket that is closing is lost, as with the web's WebSocket.
    if (this.#socket?.readyState === this.#socket?.OPEN) this.#socket?.send(data, () => undefined)
  }

  close(code?: number): void {
    if (this.#isClosed) return
    if (this.#socket) this.#socket.close(code)
    else this.#end()
  }

  #end(code = NO_CONNECTION): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#ended()
    this.dispatchEvent(Object.assign(new Event('close'), { code }))
  }
}
