import { type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'

/** Statuses other than 400, by the code of Node. */
const STATUSES: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
}

/** Answers malformed HTTP, which reaches no route and no hook, with the usual security headers. */
export function refuseMalformed(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const status = STATUSES[error.code ?? ''] ?? 400
  writeAnswer(socket, status, STATUS_CODES[status] ?? '')
  socket.destroy(error)
}

/** Writes an answer to a connection without a response object, with the usual security headers. `text`: ASCII. */
export function writeAnswer(socket: Socket, status: number, text: string): void {
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: text/plain; charset=utf-8',
    `content-length: ${text.length}`,
    'x-content-type-options: nosniff',
    'cache-control: no-store',
    'connection: close',
  ]
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${text}`)
}

/** Answers a request whose `Expect` is not `100-continue`, which also reaches no route and no hook. */
export function refuseExpectation(response: ServerResponse, headers: OutgoingHttpHeaders): void {
  const type = { 'content-type': 'text/plain; charset=utf-8' }
  response.writeHead(417, { ...headers, ...type, connection: 'close' }).end(STATUS_CODES[417])
}
