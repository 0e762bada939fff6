import { onTestFinished } from 'vitest'
import { type ClientOptions, createClient } from '../src/index.js'
import { startFakeServer } from './fake-server.js'

/** A fake server and a client of it, for one test. */
export async function setUp(options: Partial<ClientOptions> = {}) {
  const server = await startFakeServer()
  onTestFinished(async () => void (await server.close()))
  const { clientId, clientToken } = server.world
  const client = createClient({ url: server.url, clientId, clientToken, ...options })
  return { server, client }
}

/** The same with a user and a conversation of theirs; the requests that made them are forgotten. */
export async function setUpConversation(options: Partial<ClientOptions> = {}) {
  const { server, client } = await setUp(options)
  const user = await client.users.create()
  const conversation = await client.conversations.create({ userId: user.id })
  server.requests.length = 0
  return { server, client, user, conversation }
}
