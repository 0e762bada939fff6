import { converse, createClient, inTurn, messageRequest, PAYLOAD } from '../client.js'
import { comparison } from '../compare.js'
import { rawRequest } from '../connection.js'
import { contender, type Stage } from '../contender.js'
import { load } from '../load.js'
import { startFloor } from '../processes/floor.js'
import { startServer } from '../processes/server.js'
import { versusFloor } from '../scenario.js'

const CONVERSATIONS = 100
const MESSAGES = 40

/** The newest 20 messages of conversations that have 40. The floor selects 20 rows by an index and prints them. */
export const list = versusFloor('list', stage, (sides) => [comparison('list 20 messages', sides, 0.75)])

async function stage(): Promise<Stage> {
  const [server, floor] = await Promise.all([startServer(), startFloor()])
  const client = await createClient(server.url)
  const conversations = await converse(server.url, client, CONVERSATIONS)
  const posts = inTurn(conversations.map((conversation) => messageRequest(client, conversation)))
  await load({ url: server.url, next: posts }, { count: CONVERSATIONS * MESSAGES })
  const ids = conversations.map(({ conversationId }) => conversationId)
  await floor.ask('fill', { conversations: ids, messages: MESSAGES, payload: JSON.stringify(PAYLOAD) })
  const get = (path: string) => inTurn(ids.map((id) => rawRequest('GET', path + id, client.headers)))
  return {
    server: contender(server, get('/api/v1/messages/conversation/')),
    floor: contender(floor, get('/list/')),
  }
}
