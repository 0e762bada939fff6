import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Answered, call, type TestClient } from './api.js'
import type { Receiver } from './receiver.js'
import {
  SHORT_LEASE,
  startProcess,
  startServer,
  type TestServer,
  type TestServerOptions,
  type TestServerProcess,
  temporaryFolder,
} from './server.js'

/** One call of the courier's API, as its provider saw it. */
interface CourierCall {
  path: string
  token: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into many shapes, and assert each
  body: any
  at: number
  /** It was answered with 200. */
  isAccepted?: boolean
}

export interface CourierProvider {
  url: string
  calls: CourierCall[]
  /** The texts that people see, in the order in which they were sent. */
  shown(): unknown[]
  /** Calls to this path. */
  to(path: string): CourierCall[]
  /** How it answers; 200 by default. */
  answer: (request: CourierCall, response: ServerResponse) => number | undefined
  close(): Promise<void>
}

/** The provider of {@link startWithCouriers}. */
export async function startCourierProvider(): Promise<CourierProvider> {
  const calls: CourierCall[] = []
  const shown = new Map<string, unknown>()
  /** What becomes of a call that is accepted; undefined for one about a message that is not there. */
  const show = ({ path, body }: CourierCall): object | undefined => {
    if (path === '/send') {
      const id = `m${calls.length}`
      shown.set(id, body.content.text)
      return { id }
    }
    if (path === '/remove') shown.delete(body.id)
    if (path !== '/edit') return {}
    if (!shown.has(body.id)) return undefined
    shown.set(body.id, body.content.text)
    return {}
  }
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const { url: path = '', headers } = request
      const token = headers.authorization?.replace('Bearer ', '') ?? ''
      const received: CourierCall = { path, token, body: text ? JSON.parse(text) : undefined, at: Date.now() }
      calls.push(received)
      const status = provider.answer(received, response)
      if (status === undefined) return
      received.isAccepted = status === 200
      const answered = status === 200 ? show(received) : {}
      response.writeHead(answered ? status : 404).end(JSON.stringify(answered ?? {}))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const provider: CourierProvider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    shown: () => [...shown.values()],
    to: (path) => calls.filter((each) => each.path === path),
    answer: () => 200,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return provider
}

/**
 * A server with third-party channels: `courier`, which has buttons and addresses that change; `telegraph`, which has none
 * and takes ten parts in a second; `postman`, which has a reply window, templates and a context, and takes three parts in
 * one call; and `clerk`, which changes what it sent.
 */
export const startWithCouriers = async (
  apiUrl: string,
  env: Record<string, string> = {},
  options: object = {},
): Promise<TestServer> => startServer(await withCouriers(apiUrl, env, options))

/** The same as a process of its own. */
export const startProcessWithCouriers = async (
  apiUrl: string,
  env: Record<string, string> = {},
): Promise<TestServerProcess> => startProcess(await withCouriers(apiUrl, env))

async function withCouriers(
  apiUrl: string,
  env: Record<string, string>,
  options: object = {},
): Promise<TestServerOptions> {
  const folder = await temporaryFolder()
  const source = JSON.stringify(new URL('../../test/support/courier.mjs', import.meta.url).href)
  const names = ['courier', 'telegraph', 'postman', 'clerk']
  const install = (name: string, capabilities: object, more: object = {}) =>
    writeFile(
      join(folder, `${name}.mjs`),
      `import { courier } from ${source}\nexport default courier(${JSON.stringify({ name, capabilities, ...more })})\n`,
    )
  const content = ['text', 'image', 'single-choice', 'card']
  await install(
    'courier',
    {
      ...{ content, maxTextLength: 100, buttons: { max: 3, maxLabel: 20 } },
      renames: ['sender', 'thread'],
    },
    { inbound: { isShared: true } },
  )
  await install('telegraph', {
    content: ['text'],
    maxTextLength: 100,
    rate: { perEndpoint: { perSecond: 10, burst: 1 } },
  })
  await install('postman', {
    content: ['text', 'template'],
    ...{ maxTextLength: 100, batch: { max: 3 }, context: true, messageIds: true },
    window: { hours: 24, allows: 'templates that the post has approved' },
  })
  await install('clerk', { content: ['text'], maxTextLength: 20 })
  return {
    folder,
    env: {
      PLUGBOARD_CHANNELS:
        './courier.mjs,./telegraph.mjs,./postman.mjs,./clerk.mjs,@plugboard/channel-webhook',
      PLUGBOARD_CHANNEL_OPTIONS: JSON.stringify(
        Object.fromEntries(names.map((name) => [name, { apiUrl, ...options }])),
      ),
      POLL_INTERVAL: '50ms',
      ...SHORT_LEASE,
      CHANNEL_RETRY_DELAYS: '50ms,50ms,50ms',
      PROVISION_RETRY_DELAYS: '50ms,100ms,100ms',
      ...env,
    },
  }
}

/** Events from the provider in the channel's format, from a person called `ada` by default. */
export const tellEvents = (
  server: Pick<TestServer, 'url'>,
  { client, channel = 'courier', token }: { client: string; channel?: string; token: string },
  ...events: object[]
): Promise<Answered> =>
  call(server, 'POST', `/webhooks/v1/${client}/${channel}`, {
    body: events,
    headers: { 'x-courier-token': token },
  })

/** Where something that a person said was stored. */
interface Said {
  userId: string
  conversationId: string
}

interface Heard {
  type: string
  data: Said & { message?: { payload: { text: string } } }
}

/** The events that a bot got, each once: what a killed server had under way is sent again, with the same id. */
export const heardOnce = ({ requests }: Receiver): Heard[] => [
  ...new Map(requests.map(({ headers, json }) => [headers['webhook-id'], json as unknown as Heard])).values(),
]

/** Lets people say something over the courier, each time something else, and waits until the bot hears it. */
export function speech(server: Pick<TestServer, 'url'>, client: TestClient, bot: Receiver) {
  let count = 0
  return async (sender: string, aliases?: object): Promise<Said> => {
    count += 1
    const text = `message ${count}`
    const event = {
      ...{ type: 'message', dedupeKey: text, endpoint: { identity: '*', sender, thread: '*' } },
      ...{ content: { type: 'text', text }, ...(aliases && { aliases }) },
    }
    const { status } = await tellEvents(server, { client: client.id, token: 'courier' }, event)
    if (status !== 200) throw new Error(`the server answered the courier with ${status}`)
    const find = () => heardOnce(bot).find(({ data }) => data.message?.payload.text === text)
    await bot.until(() => find() !== undefined)
    const { userId = '', conversationId = '' } = find()?.data ?? {}
    return { userId, conversationId }
  }
}
