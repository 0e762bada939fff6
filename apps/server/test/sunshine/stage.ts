import { afterAll, beforeAll } from 'vitest'
import { type Answered, call } from '../support/api.js'
import { cleanUp, sharedServer, type TestServer } from '../support/server.js'
import { basic, type Key, newKey, type OfficialClient, officialClient } from '../support/sunshine.js'

/** What the tests of a file share: an app at a time, of the shared server. */
export interface Stage {
  readonly server: Pick<TestServer, 'url'>
  /** A key of the app in use. */
  readonly key: Key
  /** The official client with that key. */
  readonly api: OfficialClient
  /** Goes on with another app. */
  newApp(): Promise<void>
  /** A request to the app beside the official client. */
  raw(method: string, path: string, body?: object): Promise<Answered>
  /** Answers its id. */
  newUser(body?: object): Promise<string>
  /** Makes a conversation of one user. Answers its id. */
  personal(userId: string): Promise<string>
  /** Posts a text, by default of the business. */
  say(conversationId: string, text: string, author?: object): ReturnType<OfficialClient['postMessage']>
}

/** The same with a server of the file's own. */
interface OwnStage<Server extends TestServer> extends Stage {
  readonly server: Server
  /** Starts the server again, where it was stopped or killed. */
  restart(env?: Record<string, string>): Promise<void>
}

/** To be called once in a file. Given a start, there is a server of the file's own before the tests. */
export function useSunshine(): Stage
export function useSunshine<Server extends TestServer>(start: () => Promise<Server>): OwnStage<Server>
export function useSunshine(start?: () => Promise<TestServer>): Stage | OwnStage<TestServer> {
  let own: TestServer | undefined
  const server = () => own ?? sharedServer()
  let key: Key
  let client: OfficialClient
  const newApp = async () => {
    key = await newKey(server())
    client = officialClient(server(), key)
  }
  beforeAll(async () => {
    own = await start?.()
    await newApp()
  })
  afterAll(cleanUp)
  const api = new Proxy({} as OfficialClient, {
    get: (_, operation: keyof OfficialClient) => client[operation],
  })
  return {
    get server() {
      return server()
    },
    get key() {
      return key
    },
    api,
    newApp,
    async restart(env) {
      own = await own?.restart(env)
    },
    raw: (method, path, body) =>
      call(server(), method, `/v2/apps/${key.appId}${path}`, {
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
