import { request } from 'node:http'
import type { TestServer } from './server.js'

export interface RawRequest {
  method?: string
  /** Sent as it is, whatever a URL may hold. */
  path: string
  /** In this order, repeated names and all. A `host` or a `content-length` among them takes the place of the usual one. */
  headers?: readonly (readonly [name: string, value: string])[]
  body?: string | Uint8Array
}

/** A request that `fetch` would not send: any Host, repeated headers, a malformed path, bytes that are no text. */
export async function raw(
  server: Pick<TestServer, 'url'>,
  { method = 'GET', path, headers = [], body }: RawRequest,
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }> {
  const { host, hostname, port } = new URL(server.url)
  const has = (wanted: string) => headers.some(([name]) => name.toLowerCase() === wanted)
  const given: (readonly [string, string])[] = has('host') ? [...headers] : [['Host', host], ...headers]
  if (body !== undefined && !has('content-length'))
    given.push(['Content-Length', String(Buffer.byteLength(body))])
  return new Promise((resolve, reject) => {
    const sent = request(
      { hostname, port, method, path, headers: given.flat(), agent: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const { statusCode: status = 0, headers } = response
          resolve({ status, headers, text: Buffer.concat(chunks).toString() })
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}
