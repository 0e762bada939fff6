import { connect, type Socket } from 'node:net'

/** A whole request as it goes over the wire; ASCII. */
export type RawRequest = Buffer | string

type Done = (status: number) => void

const HEAD_END = '\r\n\r\n'
const SILENCE_MS = 20_000

/** Writes a request down once, so that sending it costs next to nothing. Headers and body must be ASCII. */
export function rawRequest(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: unknown,
): Buffer {
  const text = body === undefined ? '' : JSON.stringify(body)
  const all = {
    host: '127.0.0.1',
    ...headers,
    ...(body !== undefined && { 'content-type': 'application/json', 'content-length': text.length }),
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${text}`, 'latin1')
}

/**
 * A keep-alive connection that has one request under way. It reads of an answer only its status and where it ends: on a
 * machine that the generator shares with what it measures, an HTTP client would take the time that is to be measured.
 */
export class Connection {
  readonly #socket: Socket
  #done: Done | undefined
  #head = ''
  #status = 0
  #missing = 0
  /** Told of what ends the connection before its time. */
  onError: (error: Error) => void = () => undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error(`no answer in ${SILENCE_MS} ms`)))
    socket.on('data', (chunk) => this.#read(chunk))
    socket.on('error', (error) => this.onError(error))
    socket.on('close', () => {
      if (this.#done) this.onError(new Error('the server closed a connection before it answered'))
    })
  }

  static open(url: string): Promise<Connection> {
    const { hostname, port } = new URL(url)
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        socket.off('error', reject)
        resolve(new Connection(socket))
      })
      socket.once('error', reject)
    })
  }

  /** Sends a request. `done` gets the status once the response is complete. */
  exchange(request: RawRequest, done: Done): void {
    this.#done = done
    if (typeof request === 'string') this.#socket.write(request, 'latin1')
    else this.#socket.write(request)
  }

  close(): void {
    this.#done = undefined
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    if (this.#status > 0) this.#missing -= chunk.length
    else {
      const text = this.#head + chunk.toString('latin1')
      const end = text.indexOf(HEAD_END)
      if (end < 0) {
        this.#head = text
        return
      }
      this.#status = Number(text.slice(9, 12))
      this.#missing = lengthIn(text.slice(0, end)) - (text.length - end - HEAD_END.length)
    }
    if (this.#missing <= 0) this.#answered()
  }

  #answered(): void {
    const [done, status] = [this.#done, this.#status]
    this.#done = undefined
    this.#head = ''
    this.#status = 0
    done?.(status)
  }
}

function lengthIn(head: string): number {
  const at = head.indexOf('content-length: ')
  return at < 0 ? 0 : Number.parseInt(head.slice(at + 16, at + 26), 10)
}
