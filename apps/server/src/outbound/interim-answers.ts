import type { Socket } from 'node:net'

/** Interim answers longer than this together are not skipped: the parser rejects them. */
const MAX_BYTES = 65_536

/** `HTTP/1.1 1xx`, without 101: the protocol does not change here. */
const INTERIM = /^HTTP\/1\.[01] 1(?!01)\d\d/
/** Length of a text that shows whether an answer is interim. */
const HEAD = 'HTTP/1.1 100'.length
const END = Buffer.from('\r\n\r\n')

/**
 * Hides interim answers (`100 Continue`, `103 Early Hints`) from what reads a socket. RFC 9110 §15.2: a client must be
 * able to receive them, also unasked, but undici breaks the connection at a `100 Continue`, although the receiver may
 * take the message. An answer begins after a request was written.
 */
export function skipInterimAnswers(socket: Socket): Socket {
  const read: Socket['read'] = socket.read.bind(socket)
  const write = socket.write.bind(socket)
  let mayBegin = true
  let held: Buffer = Buffer.alloc(0)
  let skipped = 0

  const pass = (): Buffer | null => {
    mayBegin = false
    skipped = 0
    const rest = held
    held = Buffer.alloc(0)
    return rest.length > 0 ? rest : null
  }
  /** What is held without interim answers; undefined until it shows. */
  const strip = (): Buffer | null | undefined => {
    for (;;) {
      if (held.length < HEAD && 'HTTP/1.'.startsWith(held.toString('latin1', 0, 7))) return undefined
      if (!INTERIM.test(held.toString('latin1', 0, HEAD)) || skipped + held.length > MAX_BYTES) return pass()
      const end = held.indexOf(END)
      if (end < 0) return undefined
      skipped += end + END.length
      held = held.subarray(end + END.length)
    }
  }
  const readAnswer = (size?: number): unknown => {
    for (;;) {
      const chunk: unknown = read(size)
      if (!mayBegin || !Buffer.isBuffer(chunk)) return chunk
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      const rest = strip()
      if (rest) return rest
    }
  }
  const writeRequest = (...args: Parameters<typeof write>): boolean => {
    mayBegin = true
    return write(...args)
  }
  return Object.assign(socket, { read: readAnswer, write: writeRequest })
}
