import { randomBytes } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request that a receiver got. */
export interface Received {
  /** What follows the receiver's own URL. */
  path: string
  headers: IncomingHttpHeaders
  text: string
  /** The body, parsed. */
  json: {
    type: string
    data: Record<string, unknown> & { message?: { id: string; payload: Record<string, unknown> } }
  }
  at: number
}

/** How a receiver answers: a status, or anything that it does with the response (also nothing at all). */
export type Answer = (
  request: Received,
  response: ServerResponse,
  index: number,
) => number | undefined | Promise<number>

export interface Receiver {
  readonly url: string
  /** All requests, in the order of their arrival. */
  readonly requests: Received[]
  /** Only those of this type, such as `message.new`. */
  ofType(type: string): Received[]
  answer: Answer
  /** Waits until a condition on the requests holds. @throws when it does not within the time */
  until(condition: (requests: readonly Received[]) => boolean, timeoutMs?: number): Promise<void>
  close(): Promise<void>
}

const open = new Set<Receiver>()

/** Closes every receiver that is still there. */
export async function closeReceivers(): Promise<void> {
  await Promise.all([...open].map((receiver) => receiver.close()))
}

/** Short, since the server masks long ones in what it shows. */
const newHook = () => `/hook-${randomBytes(4).toString('hex')}`

/**
 * A local HTTP server that records what it gets, until `cleanUp`. Answers 200 unless told otherwise. Its port may have
 * been that of a receiver to which something is still sent, from any test: it hears only what is sent to its own path, and
 * hangs up on all others, as if nobody listened.
 * @param earlier a closed receiver, whose URL it gets
 */
export async function startReceiver(answer: Answer = () => 200, earlier?: Receiver): Promise<Receiver> {
  const { port, pathname: hook } = earlier ? new URL(earlier.url) : { port: 0, pathname: newHook() }
  const requests: Received[] = []
  const waiting = new Set<() => void>()
  const server = createServer((request, response) => {
    const { url = '', headers } = request
    if (!url.startsWith(hook)) return request.socket.destroy()
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', async () => {
      const text = Buffer.concat(chunks).toString()
      const received: Received = {
        path: url.slice(hook.length),
        headers,
        text,
        json: JSON.parse(text),
        at: Date.now(),
      }
      requests.push(received)
      const answering = receiver.answer(received, response, requests.length - 1)
      // Not after the answer, which may wait for what a test does next.
      for (const check of waiting) check()
      const status = await answering
      if (status !== undefined) response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(Number(port), '127.0.0.1', resolve))
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${hook}`,
    requests,
    ofType: (type) => requests.filter(({ json }) => json.type === type),
    answer,
    until: (condition, timeoutMs = 10_000) =>
      new Promise<void>((resolve, reject) => {
        const end = (): void => {
          clearTimeout(timer)
          waiting.delete(check)
        }
        const check = (): void => {
          if (!condition(requests)) return
          end()
          resolve()
        }
        const timer = setTimeout(() => {
          end()
          reject(new Error(`not within ${timeoutMs} ms; got ${requests.length} requests`))
        }, timeoutMs)
        waiting.add(check)
        check()
      }),
    close: () =>
      new Promise<void>((resolve) => {
        open.delete(receiver)
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  open.add(receiver)
  return receiver
}
