import { fromUuid } from '@plugboard/core'
import { converse, createClient, inTurn, messageRequest, PAYLOAD, post } from '../client.js'
import { comparison } from '../compare.js'
import { rawRequest } from '../connection.js'
import { contender, type Stage } from '../contender.js'
import { load } from '../load.js'
import { startServer } from '../processes/server.js'
import { versusFloor } from '../scenario.js'

const CONVERSATIONS = 100
const MESSAGES = 40
const ADMIN_KEY = 'the-admin-key-of-the-bench'

/** The Sunshine dialect beside the Messaging one, which stands where the floor does elsewhere: the same work, one server. */
export const sunshinePost = versusFloor('sunshine-post', postStage, (sides) => [
  comparison('Sunshine post of Messaging post', sides, 0.85),
])

export const sunshineList = versusFloor('sunshine-list', listStage, (sides) => [
  comparison('Sunshine list 20 of Messaging list 20', sides, 0.85),
])

async function postStage(): Promise<Stage> {
  const { server, client, sunshine } = await setUp()
  const [conversation] = await converse(server.url, client, 1)
  if (!conversation) throw new Error('no conversation')
  const messaging = messageRequest(client, conversation)
  const author = { type: 'user', userId: idOf(conversation.userId) }
  const own = rawRequest('POST', sunshine.path(conversation.conversationId), sunshine.headers, {
    author,
    content: PAYLOAD,
  })
  return { server: contender(server, () => own), floor: contender(server, () => messaging) }
}

async function listStage(): Promise<Stage> {
  const { server, client, sunshine } = await setUp()
  const conversations = await converse(server.url, client, CONVERSATIONS)
  const posts = inTurn(conversations.map((conversation) => messageRequest(client, conversation)))
  await load({ url: server.url, next: posts }, { count: CONVERSATIONS * MESSAGES })
  const ids = conversations.map(({ conversationId }) => conversationId)
  const own = ids.map((id) => rawRequest('GET', `${sunshine.path(id)}?limit=20`, sunshine.headers))
  const messaging = ids.map((id) => rawRequest('GET', `/api/v1/messages/conversation/${id}`, client.headers))
  return { server: contender(server, inTurn(own)), floor: contender(server, inTurn(messaging)) }
}

/** One client of both. */
async function setUp() {
  const server = await startServer({ env: { ADMIN_KEY } })
  const client = await createClient(server.url)
  const app = idOf(client.headers['x-bp-messaging-client-id'] ?? '')
  const key = await post<{ keyId: string; secret: string }>(
    `${server.url}/api/v1/admin/keys`,
    { 'x-bp-messaging-admin-key': ADMIN_KEY },
    { app, scope: 'app' },
  )
  const authorization = `Basic ${Buffer.from(`${key.keyId}:${key.secret}`).toString('base64')}`
  const path = (conversationId: string) => `/v2/apps/${app}/conversations/${idOf(conversationId)}/messages`
  return { server, client, sunshine: { headers: { authorization }, path } }
}

function idOf(uuid: string): string {
  const id = fromUuid(uuid)
  if (!id) throw new Error(`${uuid} is none of ours`)
  return id
}
