import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Handler = (
  request: { headers: IncomingHttpHeaders; body: unknown },
  response: { status(code: number): { send(text: string): void }; sendStatus(code: number): void },
  next: () => void,
) => void

/** The little of an Express router that the npm client asks for, with the answers that it gave. */
export interface ExpressLike {
  readonly url: string
  readonly statuses: number[]
  post(route: string, handler: Handler): void
  close(): Promise<void>
}

/** Starts a server that parses JSON bodies and hands them to the handler of the path. */
export async function startExpressLike(): Promise<ExpressLike> {
  const handlers = new Map<string, Handler>()
  const statuses: number[] = []
  const answerOf = (response: ServerResponse) => {
    const answer = (code: number, text: string): void => {
      statuses.push(code)
      response.writeHead(code).end(text)
    }
    return {
      status: (code: number) => ({ send: (text: string) => answer(code, text) }),
      sendStatus: (code: number) => answer(code, ''),
    }
  }
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray()
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
    handlers.get(request.url ?? '')?.({ headers: request.headers, body }, answerOf(response), () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    statuses,
    post: (route, handler) => handlers.set(route, handler),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
