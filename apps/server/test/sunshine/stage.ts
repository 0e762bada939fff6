import { afterAll, beforeAll } from 'vitest'
import { type Answered, call } from '../support/api.js'
import { cleanUp, startServer, type TestServer, type TestServerOptions } from '../support/server.js'
import { basic, type Key, newKey, type OfficialClient, officialClient } from '../support/sunshine.js'

/** What the tests of a file share: one server, and an app at a time. */
export interface Stage {
  readonly server: TestServer
  /** A key of the app in use. */
  readonly key: Key
  /** The official client with that key. */
  readonly api: OfficialClient
  /** Goes on with another app. */
  newApp(): Promise<void>
  /** Starts the server again, where it was stopped or killed. */
  restart(env?: Record<string, string>): Promise<void>
  /** A request to the app beside the official client. */
  raw(method: string, path: string, body?: object): Promise<Answered>
  /** Answers its id. */
  newUser(body?: object): Promise<string>
  /** Makes a conversation of one user. Answers its id. */
  personal(userId: string): Promise<string>
  /** Posts a text, by default of the business. */
  say(conversationId: string, text: string, author?: object): ReturnType<OfficialClient['postMessage']>
}

/** To be called once in a file: starts the server before its tests, with options where they are known by then. */
export function useSunshine(
  options: () => TestServerOptions | Promise<TestServerOptions> = () => ({}),
): Stage {
  let server: TestServer
  let key: Key
  let client: OfficialClient
  const newApp = async () => {
    key = await newKey(server)
    client = officialClient(server, key)
  }
  beforeAll(async () => {
    server = await startServer(await options())
    await newApp()
  })
  afterAll(cleanUp)
  const api = new Proxy({} as OfficialClient, {
    get: (_, operation: keyof OfficialClient) => client[operation],
  })
  return {
    get server() {
      return server
    },
    get key() {
      return key
    },
    api,
    newApp,
    async restart(env) {
      server = await server.restart(env)
    },
    raw: (method, path, body) =>
      call(server, method, `/v2/apps/${key.appId}${path}`, {
        headers: { authorization: basic(key) },
        ...(body && { body }),
      }),
    newUser: async (body = {}) => (await api.createUser(body)).user.id,
    personal: async (userId) =>
      (await api.createConversation({ type: 'personal', participants: [{ userId }] })).conversation.id,
    say: (conversationId, text, author = { type: 'business' }) =>
      api.postMessage(conversationId, { author, content: { type: 'text', text } }),
  }
}
