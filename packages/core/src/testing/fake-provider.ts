import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** What can go wrong between a channel and its provider. */
export const faults = [
  /** Nobody listens. */
  'refused',
  /** The connection is cut before anything is done or answered. */
  'reset',
  /** It is done, and the connection is cut before the answer. */
  'lost-answer',
  /** Nothing is answered, until the attempt is aborted. */
  'hang',
  /** It is done, and the answer breaks off in its body. */
  'truncated',
  /** It is done, and the answer stops in its body, until the attempt is aborted. */
  'endless',
  /** A page of HTML with status 200, as proxies give: it may have been done. */
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

/** One request to the provider, as it came. */
export interface ProviderCall {
  method: string
  /** Path and query. */
  path: string
  headers: IncomingHttpHeaders
  body: string
  /** Whether the provider did what was asked; false for a fault that comes before the effect. */
  isDone: boolean
}

export interface Answer {
  status?: number
  headers?: Record<string, string>
  body?: string
}

export interface FakeProviderOptions {
  /** The provider's answer to a call that goes well. Default: 200 and `{}`. */
  answer?(call: ProviderCall): Answer
  /** Answers of this provider in place of the plain ones, where it has a form of its own. */
  faultAnswers?: Partial<Record<Fault, Answer>>
}

/** A provider on a port of this machine. */
export interface FakeProvider {
  readonly url: string
  /** What has come, in order. */
  readonly calls: readonly ProviderCall[]
  /** Makes every call fail so; without a fault, calls go well again. */
  failWith(fault?: Exclude<Fault, 'refused'>): void
  close(): Promise<void>
}

const json = (status: number, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: '{"error":"as the test asks"}',
})

/** Faults that are an answer, and nothing was done. */
const refusals: Partial<Record<Fault, Answer>> = {
  redirect: { status: 302, headers: { location: '/elsewhere' } },
  unauthorized: json(401),
  'server-error': json(500),
  'rate-limited': json(429),
  'rate-limited-for-2-s': json(429, { 'retry-after': '2' }),
}

/** Starts a provider that records its calls, and fails as it is told. */
export async function fakeProvider(options: FakeProviderOptions = {}): Promise<FakeProvider> {
  const calls: ProviderCall[] = []
  let fault: Exclude<Fault, 'refused'> | undefined
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url: path = '', headers } = request
    const isRefused = fault === 'reset' || fault === 'hang' || (fault !== undefined && fault in refusals)
    const call = { method, path, headers, body: await text(request), isDone: !isRefused }
    calls.push(call)
    respond(response, fault, call, options)
  }
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    failWith(next) {
      fault = next
    },
    async close() {
      if (!server.listening) return
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function respond(
  response: ServerResponse,
  fault: Fault | undefined,
  call: ProviderCall,
  { answer = () => json(200), faultAnswers = {} }: FakeProviderOptions,
): void {
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
      return send(response, answer(call))
  }
}

function send(response: ServerResponse, { status = 200, headers = {}, body = '' }: Answer): void {
  response.writeHead(status, headers).end(body)
}
