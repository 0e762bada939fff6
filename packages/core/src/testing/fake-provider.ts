import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** What can go wrong between a channel and its provider. */
export const faults = [
  /** No server listens. */
  'refused',
  /** The connection is cut before the call has an effect. */
  'reset',
  /** The call has an effect, and the connection is cut before the answer. */
  'lost-answer',
  /** There is no answer until the attempt is aborted. */
  'hang',
  /** The call has an effect, and the body of the answer is incomplete. */
  'truncated',
  /** The call has an effect, and the body of the answer stops until the attempt is aborted. */
  'endless',
  /** An HTML page with status 200, as a proxy sends it: the call may have had an effect. */
  'garbage',
  /** 302 to `/elsewhere` of the same provider. */
  'redirect',
  'unauthorized',
  'server-error',
  /** 429 without Retry-After. */
  'rate-limited',
  /** 429 with Retry-After: 2. */
  'rate-limited-for-2-s',
] as const

export type Fault = (typeof faults)[number]

/** One request to the provider. */
export interface ProviderCall {
  method: string
  /** Path and query. */
  path: string
  headers: IncomingHttpHeaders
  body: string
  /** Whether the call had its effect; false for a fault that comes before it. */
  isDone: boolean
}

export interface Answer {
  status?: number
  headers?: Record<string, string>
  body?: string
}

export interface FakeProviderOptions {
  /** Answer to a successful call; a promise for a call that waits, such as a long poll. Default: 200 and `{}`. */
  answer?(call: ProviderCall): Answer | Promise<Answer>
  /** Answers to faults in the provider's own form. Default: plain status codes. */
  faultAnswers?: Partial<Record<Fault, Answer>>
  /** The idempotency key of a call. */
  idempotencyKey?(call: ProviderCall): string | undefined
  /** Answer to a call whose key the provider has already accepted. Default: as to the first. */
  repeatAnswer?: Answer
}

/** A fake provider on a local port. */
export interface FakeProvider {
  readonly url: string
  /** All requests, in order. */
  readonly calls: readonly ProviderCall[]
  /** Makes every call fail with this fault; without an argument, calls succeed again. */
  failWith(fault?: Exclude<Fault, 'refused'>): void
  /** Resolves when the next request was read. */
  nextCall(): Promise<ProviderCall>
  close(): Promise<void>
}

const json = (status: number, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: '{"error":"as the test asks"}',
})

/** Faults with an answer, in which the call has no effect. */
const refusals: Partial<Record<Fault, Answer>> = {
  redirect: { status: 302, headers: { location: '/elsewhere' } },
  unauthorized: json(401),
  'server-error': json(500),
  'rate-limited': json(429),
  'rate-limited-for-2-s': json(429, { 'retry-after': '2' }),
}

/** Starts a fake provider that records its calls and fails on demand. */
export async function fakeProvider(options: FakeProviderOptions = {}): Promise<FakeProvider> {
  const calls: ProviderCall[] = []
  let fault: Exclude<Fault, 'refused'> | undefined
  const waiting: ((call: ProviderCall) => void)[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url: path = '', headers } = request
    const isRefused = fault === 'reset' || fault === 'hang' || (fault !== undefined && fault in refusals)
    const call = { method, path, headers, body: await text(request), isDone: !isRefused }
    const repeat = isRefused ? undefined : repeatOf(call, calls, options)
    if (repeat) call.isDone = false
    calls.push(call)
    for (const resolve of waiting.splice(0)) resolve(call)
    if (repeat && fault === undefined) send(response, repeat)
    else await respond(response, fault, call, options)
  }
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  // A client may be about to use a connection that is closed here after some idle seconds.
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    failWith(next) {
      fault = next
    },
    nextCall: () => new Promise((resolve) => waiting.push(resolve)),
    async close() {
      if (!server.listening) return
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** The answer to a call whose key was accepted before. */
function repeatOf(
  call: ProviderCall,
  calls: readonly ProviderCall[],
  { idempotencyKey, repeatAnswer }: FakeProviderOptions,
): Answer | undefined {
  const key = idempotencyKey?.(call)
  const isRepeated = key !== undefined && calls.some((each) => each.isDone && idempotencyKey?.(each) === key)
  return isRepeated ? repeatAnswer : undefined
}

async function respond(
  response: ServerResponse,
  fault: Fault | undefined,
  call: ProviderCall,
  { answer = () => json(200), faultAnswers = {} }: FakeProviderOptions,
): Promise<void> {
  const own = fault && (faultAnswers[fault] ?? refusals[fault])
  if (own) return send(response, own)
  switch (fault) {
    case 'hang':
      return
    case 'reset':
    case 'lost-answer':
      response.socket?.resetAndDestroy()
      return
    case 'truncated':
    case 'endless':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"id":"', () => fault === 'truncated' && response.socket?.destroy())
      return
    case 'garbage':
      return send(response, {
        headers: { 'content-type': 'text/html' },
        body: '<html><h1>It works!</h1></html>',
      })
    default:
      return send(response, await answer(call))
  }
}

function send(response: ServerResponse, { status = 200, headers = {}, body = '' }: Answer): void {
  response.writeHead(status, headers).end(body)
}
