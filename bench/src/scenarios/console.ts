import { setTimeout } from 'node:timers/promises'
import { messageRequest } from '../client.js'
import { Connection } from '../connection.js'
import type { Figure } from '../figure.js'
import type { Plan } from '../plan.js'
import { type Server, startServer } from '../processes/server.js'
import type { Scenario } from '../scenario.js'
import { type SeededConversation, seededWorld } from '../seed.js'
import { percentile, sorted } from '../statistics.js'

const FULL = { clients: 1, conversations: 10_000, messages: 1_000_000, dead: 100_000 }
const QUICK = { clients: 1, conversations: 1_000, messages: 20_000, dead: 2_000 }
const PER_SECOND = 2_000
const ADMIN_KEY = 'an admin key that is long enough'

/** Pages of the operator console, while posts continue at an even rate. */
export const consolePages: Scenario = { name: 'console', run }

async function run(plan: Plan): Promise<Figure[]> {
  const { quick, say } = plan
  const size = quick ? QUICK : FULL
  const { folder, env, conversations } = await seededWorld(plan, size)
  const server = await startServer({ folder, env: { ...env, ADMIN_KEY } })
  const [some] = conversations
  if (!some) throw new Error('no conversation')
  const client = some.headers['x-bp-messaging-client-id']
  const requests = quick ? 20 : 100
  say(`asking for each page ${requests} times`)
  const posts = new Posts(server, conversations, quick ? 200 : PER_SECOND)
  await posts.start()
  const figures: Figure[] = []
  for (const [name, path] of Object.entries(pagesOf(`/clients/${client}`, some)))
    figures.push(await page(server, `console, ${name}, p95`, path, requests))
  const rate = await posts.stop()
  await server.stop()
  const note = `${size.conversations} conversations, ${size.messages} messages, ${size.dead} dead letters`
  return [...figures, { name: 'console, posts meanwhile', value: rate, unit: '/s', note }]
}

/** What the console asks for. */
const pagesOf = (client: string, { userId, conversationId }: SeededConversation): Record<string, string> => ({
  conversations: `${client}/conversations`,
  'conversations of a user': `${client}/conversations?user=${userId}`,
  'conversations of a time': `${client}/conversations?until=${new Date(Date.now() - 1000).toISOString()}`,
  'one conversation': `${client}/conversations/${conversationId}`,
  'dead letters': `${client}/deliveries`,
  'dead letters by reason': `${client}/deliveries?reason=gone`,
  'dead letters by channel and reason': `${client}/deliveries?channel=telegram&reason=gone`,
  'dead letters by channel and a rare reason': `${client}/deliveries?channel=telegram&reason=recipient`,
  'pending deliveries': `${client}/deliveries?state=retrying`,
  jobs: `${client}/jobs`,
})

async function page({ url }: Server, name: string, path: string, count: number): Promise<Figure> {
  const headers = { authorization: `Bearer ${ADMIN_KEY}` }
  const times: number[] = []
  let items = 0
  for (let i = 0; i < count; i += 1) {
    const start = performance.now()
    const response = await fetch(`${url}/admin/v1${path}`, { headers })
    const text = await response.text()
    times.push(performance.now() - start)
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`)
    items = (JSON.parse(text) as { items?: unknown[] }).items?.length ?? 1
  }
  const ascending = sorted(times)
  const note = `p50 ${percentile(ascending, 0.5).toFixed(1)} ms; ${items} items`
  return { name, value: percentile(ascending, 0.95), unit: 'ms', target: { below: 200 }, note }
}

/** Posts to conversations at random, at an even rate as far as the server takes it. */
class Posts {
  readonly #server: Server
  readonly #requests: readonly Buffer[]
  readonly #perSecond: number
  #answers = 0
  #startedAt = 0
  #isOver = false
  #ended: Promise<void> = Promise.resolve()

  constructor(server: Server, conversations: readonly SeededConversation[], perSecond: number) {
    this.#server = server
    this.#requests = conversations.map((conversation) => messageRequest(conversation, conversation))
    this.#perSecond = perSecond
  }

  async start(): Promise<void> {
    const connections = await Promise.all(Array.from({ length: 32 }, () => Connection.open(this.#server.url)))
    this.#startedAt = performance.now()
    this.#ended = this.#post(connections)
    // Until the server is warm.
    await setTimeout(2000)
  }

  /** Answers in a second. */
  async stop(): Promise<number> {
    this.#isOver = true
    await this.#ended
    return (this.#answers / (performance.now() - this.#startedAt)) * 1000
  }

  async #post(connections: readonly Connection[]): Promise<void> {
    const free = [...connections]
    for (let n = 0; !this.#isOver; ) {
      const due = ((performance.now() - this.#startedAt) * this.#perSecond) / 1000
      for (let connection = n < due ? free.pop() : undefined; connection; ) {
        const own = connection
        const request = this.#requests[Math.floor(Math.random() * this.#requests.length)] as Buffer
        own.exchange(request, (status) => {
          if (status !== 201) throw new Error(`a post was answered ${status}`)
          this.#answers += 1
          free.push(own)
        })
        n += 1
        connection = n < due ? free.pop() : undefined
      }
      await setTimeout(1)
    }
    while (free.length < connections.length) await setTimeout(1)
    for (const connection of connections) connection.close()
  }
}
