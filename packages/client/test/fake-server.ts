import { randomBytes, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Call, HttpFault, type Reply, routes, type World } from './fake-routes.js'

/** A request as it arrived. */
export interface Recorded {
  method: string
  path: string
  query: string
  headers: IncomingMessage['headers']
  body: unknown
}

/** Replaces the normal response to a request; `work` performs the request. */
export type Fault = (response: ServerResponse, work: () => Promise<Reply>) => void

/** Faults by name, for the queue `faults` of the server: the first goes to the next request, and so on. */
export const answer =
  (status: number, body = '', headers: Record<string, string> = {}): Fault =>
  (response) => {
    response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(body)
  }
export const hangUp: Fault = (response) => response.destroy()
export const neverAnswer: Fault = () => {}
export const workThenHangUp: Fault = (response, work) => void work().then(() => response.destroy())
export const stallInBody: Fault = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).write('{"id":')
}
export const proceed: Fault = (response, work) => void work().then((reply) => send(response, reply))

/** A Messaging API over real HTTP, as `reference/messaging-api.md` and Plugboard's extensions describe it. */
export async function startFakeServer() {
  const world: World = {
    clientId: randomUUID(),
    clientToken: `${randomUUID()}.${randomBytes(66).toString('base64')}`,
    users: new Map(),
    conversations: new Map(),
    messages: [],
    webhooks: new Map(),
    endpoints: new Map(),
    tokens: new Map(),
    turns: new Map(),
    answers: new Map(),
  }
  const requests: Recorded[] = []
  const faults: Fault[] = []
  const server = createServer(async (request, response) => {
    const recorded = await record(request)
    requests.push(recorded)
    const fault = faults.shift() ?? proceed
    fault(response, () => once(world, recorded))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, world, requests, faults, close }
}

async function record(request: IncomingMessage): Promise<Recorded> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  const { pathname, search } = new URL(request.url ?? '', 'http://fake')
  const { method = '', headers } = request
  return { method, path: pathname, query: search, headers, body: text ? JSON.parse(text) : undefined }
}

/** The same Idempotency-Key gets the same answer and makes nothing new. */
function once(world: World, recorded: Recorded): Promise<Reply> {
  const key = recorded.headers['idempotency-key']
  if (typeof key !== 'string') return work(world, recorded)
  const known = world.answers.get(key) ?? work(world, recorded)
  world.answers.set(key, known)
  return known
}

async function work(world: World, recorded: Recorded): Promise<Reply> {
  try {
    for (const [method, pattern, handle] of routes) {
      const params = method === recorded.method ? pattern.exec(recorded.path) : null
      if (params) return await handle(callOf(world, recorded, params))
    }
    throw new HttpFault(404, 'Not Found')
  } catch (error) {
    if (error instanceof HttpFault) return { status: error.status, text: error.message }
    throw error
  }
}

function callOf(world: World, recorded: Recorded, params: RegExpExecArray): Call {
  const body = (recorded.body ?? {}) as Record<string, unknown>
  const query = Object.fromEntries(new URLSearchParams(recorded.query))
  return { world, body, query, id: params[1] ?? '', headers: recorded.headers }
}

function send(response: ServerResponse, reply: Reply): void {
  const [type, text] =
    'json' in reply ? ['application/json', JSON.stringify(reply.json)] : ['text/plain', reply.text ?? '']
  response.writeHead(reply.status, { 'content-type': type, 'x-request-id': 'req-1' }).end(text)
}
