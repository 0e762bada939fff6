import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** A request that a peer got. */
export interface Heard {
  path: string
  headers: IncomingHttpHeaders
  body: unknown
}

/** Somebody on this machine who is called over HTTP, and writes down what is said. */
export interface Peer {
  url: string
  heard: readonly Heard[]
  close(): Promise<void>
}

/** Starts a peer that gives each call the same answer. */
export async function startPeer(answer: object): Promise<Peer> {
  const heard: Heard[] = []
  const server = createServer(async (request, response) => {
    const { url: path = '', headers, method } = request
    const body = method === 'POST' ? await json(request).catch(() => undefined) : undefined
    heard.push({ path, headers, body })
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** What the provider of the template sends when a person writes, signed as its README says. */
export function personSays(
  text: string,
  { channel, secret }: { channel: string; secret: string },
): RequestInit {
  const from = { id: 'ada', name: 'Ada' }
  const at = new Date()
  const body = JSON.stringify({ id: randomUUID(), type: 'message', at, chat: 'room-7', from, text })
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
  const headers = {
    'content-type': 'application/json',
    [`x-${channel}-timestamp`]: timestamp,
    [`x-${channel}-signature`]: signature,
  }
  return { method: 'POST', headers, body }
}
