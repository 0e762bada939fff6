import { setTimeout as sleep } from 'node:timers/promises'
import { ADMIN_KEY, asAdmin } from '../admin.js'
import { type Client, converse, createClient, inTurn, messageRequest } from '../client.js'
import { type RawRequest, rawRequest } from '../connection.js'
import type { Figure } from '../figure.js'
import { load } from '../load.js'
import type { Plan } from '../plan.js'
import { startReceiver } from '../processes/receiver.js'
import { type Server, startServer } from '../processes/server.js'
import type { Scenario } from '../scenario.js'

/** Requests of each kind, one after another, so that none shares a round trip with another. */
const REQUESTS = 50
const IDLE_MS = 10_000
/** Conversations on a page of the console. */
const PAGE = 50
/** Time for what was delivered to be written down, and for the process to come to rest. */
const SETTLE_MS = 1_500

/**
 * Commands sent to MongoDB for one request of each kind, as reported by the driver: what it costs where each is a way
 * over the network. The store then grows, and the counts must not.
 */
export const roundTrips: Scenario = { name: 'round-trips', run }

async function run(plan: Plan): Promise<Figure[]> {
  const [server, receiver] = await Promise.all([startServer({ env: { ADMIN_KEY } }), startReceiver()])
  const silent = await createClient(server.url)
  const told = await createClient(server.url, [receiver.url])
  const figures = [...(await idle(server)), ...(await kinds(server, silent, told)), ...(await pages(server))]
  const sizes = plan.quick ? { clients: 100, messages: 5_000 } : { clients: 1_000, messages: 100_000 }
  plan.say(`growing to ${sizes.clients} clients and ${sizes.messages} messages`)
  for (let i = 0; i < sizes.clients; i += 1) await createClient(server.url)
  const [crowded] = await converse(server.url, silent, 1)
  if (!crowded) throw new Error('no conversation')
  const request = messageRequest(silent, crowded)
  await load({ url: server.url, next: () => request }, { count: sizes.messages })
  await sleep(SETTLE_MS)
  figures.push(
    figure(
      `post, ${sizes.clients} clients, ${sizes.messages} messages`,
      await cost(server, () => request),
      2,
    ),
    figure(
      `list, ${sizes.clients} clients, ${sizes.messages} messages`,
      await cost(server, lists(silent, [crowded.conversationId])),
      1,
    ),
  )
  return figures
}

/** A replica with nothing to do looks once in two seconds at most; a stream of changes that waits is no look. */
async function idle(server: Server): Promise<Figure[]> {
  await sleep(SETTLE_MS)
  const before = await commands(server)
  await sleep(IDLE_MS)
  const value = ((await commands(server)) - before) / (IDLE_MS / 2_000)
  return [{ name: 'commands in 2 s, idle', value, unit: '', target: { below: 1.5 } }]
}

async function kinds(server: Server, silent: Client, told: Client): Promise<Figure[]> {
  const quiet = await converse(server.url, silent, 5)
  const delivered = await converse(server.url, told, 5)
  const posts = (client: Client, conversations: typeof quiet) =>
    inTurn(conversations.map((conversation) => messageRequest(client, conversation)))
  const ids = quiet.map(({ conversationId }) => conversationId)
  const known = mapRequests(silent, 1)
  // Each once, so that what is measured is a conversation and an address that the process has met.
  await load({ url: server.url, next: posts(silent, quiet), connections: 1 }, { count: 5 })
  await load({ url: server.url, next: known, connections: 1 }, { count: 1 })
  const post = await cost(server, posts(silent, quiet))
  const postAndDeliver = await cost(server, posts(told, delivered))
  return [
    figure('post message', post, 2),
    figure('deliver a fresh message', postAndDeliver - post, 1),
    figure('list 20 messages', await cost(server, lists(silent, ids)), 1),
    figure('map, known address', await cost(server, known), 1),
    figure('map, new address', await cost(server, mapRequests(silent, REQUESTS, 'new'))),
    figure('sync, nothing changed', await cost(server, await syncRequest(server))),
  ]
}

/** What the console asks for: as much for a page with one conversation as for one with many. */
async function pages(server: Server): Promise<Figure[]> {
  const client = await createClient(server.url)
  const conversations = await converse(server.url, client, PAGE)
  const next = inTurn(conversations.map((conversation) => messageRequest(client, conversation)))
  await load({ url: server.url, next }, { count: 2 * PAGE })
  const of = `/admin/v1/clients/${client.headers['x-bp-messaging-client-id']}`
  const one = `${of}/conversations/${conversations[0]?.conversationId}`
  const asked: [name: string, path: string, most: number][] = [
    [`${PAGE} conversations`, `${of}/conversations?limit=${PAGE}`, 3],
    ['one conversation', one, 3],
    ['timeline', `${one}/timeline`, 8],
    ['dead letters', `${of}/deliveries`, 2],
    ['pending deliveries', `${of}/deliveries?state=pending`, 1],
  ]
  const figures: Figure[] = []
  for (const [name, path, most] of asked)
    figures.push(figure(`console, ${name}`, await cost(server, () => rawRequest('GET', path, asAdmin)), most))
  return figures
}

const lists = (client: Client, ids: readonly string[]): (() => RawRequest) =>
  inTurn(ids.map((id) => rawRequest('GET', `/api/v1/messages/conversation/${id}`, client.headers)))

function mapRequests({ headers }: Client, count: number, name = 'known'): () => RawRequest {
  const endpoints = Array.from({ length: count }, (_, i) => ({
    channel: 'bench',
    identity: 'bot',
    sender: `${name}-${i}`,
    thread: '*',
  }))
  return inTurn(endpoints.map((body) => rawRequest('POST', '/api/v1/endpoints/map', headers, body)))
}

async function syncRequest({ url }: Server): Promise<() => RawRequest> {
  const { headers } = await createClient(url)
  const [id, token] = Object.values(headers)
  const request = rawRequest('POST', '/api/v1/sync', {}, { id, token, webhooks: [] })
  return () => request
}

/** Commands for one request, the way of what it owes included. */
async function cost(server: Server, next: () => RawRequest): Promise<number> {
  await sleep(SETTLE_MS)
  const before = await commands(server)
  await load({ url: server.url, next, connections: 1 }, { count: REQUESTS })
  await sleep(SETTLE_MS)
  return ((await commands(server)) - before) / REQUESTS
}

/** Sent so far. What waits for a stream of changes is left out: it is asked again when the time is over. */
async function commands({ url }: Server): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const counts = text.matchAll(/^plugboard_store_commands_total\{command="(\w+)"\} (\d+)/gm)
  return [...counts]
    .filter(([, name]) => name !== 'getMore')
    .reduce((sum, [, , count]) => sum + Number(count), 0)
}

/** A poll or a mark may come in between, so that a count is not always whole. */
const SLACK = 0.25

const figure = (name: string, value: number, most?: number): Figure => ({
  name: `round trips: ${name}`,
  value,
  unit: '',
  ...(most !== undefined && { target: { below: most + SLACK } }),
})
