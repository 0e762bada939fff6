import {
  type Client,
  type Conversation,
  converse,
  createClient,
  inTurn,
  messageRequest,
  post,
} from '../client.js'
import { Connection, rawRequest } from '../connection.js'
import type { Figure } from '../figure.js'
import { load } from '../load.js'
import type { Plan } from '../plan.js'
import { startServer } from '../processes/server.js'
import type { Scenario } from '../scenario.js'
import { percentile, sorted } from '../statistics.js'

const CONVERSATIONS = 400
const READERS = [1, 8] as const
/** Events of one request. */
const LIMIT = 100
/** Messages that are posted in a second, to measure how long each takes to its reader. */
const PER_SECOND = 200

interface PulledEvent {
  position: string
  type: string
  data: { message: { payload: { text: string } } }
}

/** How many events a second readers take and acknowledge, and how long a message takes from its post to a reader. */
export const pull: Scenario = {
  name: 'pull',
  async run(plan) {
    const figures: Figure[] = []
    for (const readers of READERS) figures.push(...(await measure(plan, readers)))
    return figures
  },
}

async function measure(plan: Plan, readers: number): Promise<Figure[]> {
  const server = await startServer()
  const client = await createClient(server.url, [{ mode: 'pull' }])
  const conversations = await converse(server.url, client, CONVERSATIONS)
  const next = inTurn(conversations.map((conversation) => messageRequest(client, conversation)))
  const count = plan.quick ? 2_000 : 20_000
  const bot = new Readers(server.url, client)
  // The events of users and conversations.
  await bot.read(readers, 2 * CONVERSATIONS)
  plan.say(`posting ${count} messages that nobody reads`)
  await load({ url: server.url, next }, { count })
  const cpuMs = () => server.ask<number>('cpu')
  const cpuBefore = await cpuMs()
  const start = performance.now()
  await bot.read(readers, count)
  const rate = (count / (performance.now() - start)) * 1000
  const cpuMicros = ((await cpuMs()) - cpuBefore) * (1000 / count)
  const times = await bot.latencies(readers, conversations, plan.quick ? 3 : 10)
  await server.stop()
  const name = `pull, ${readers} ${readers === 1 ? 'reader' : 'readers'}`
  return [
    {
      ...{ name: `${name}, a backlog`, value: rate, unit: '/s' },
      note: `${count} events of ${CONVERSATIONS} conversations, ${LIMIT} in a request; cpu ${cpuMicros.toFixed(0)} µs for an event and its acknowledgement`,
    },
    {
      ...{ name: `${name}, post to reader, p50`, value: percentile(times, 0.5), unit: 'ms' },
      note: `p99 ${percentile(times, 0.99).toFixed(1)} ms; ${PER_SECOND} messages/s`,
    },
  ]
}

/** Readers of one client, each with one request after another. */
class Readers {
  readonly #url: string
  readonly #headers: Client['headers']

  constructor(url: string, { headers }: Client) {
    this.#url = `${url}/api/v1/pull`
    this.#headers = headers
  }

  /** Until they have acknowledged this many events. */
  async read(readers: number, count: number): Promise<void> {
    let left = count
    const read = async (): Promise<void> => {
      while (left > 0) {
        const events = await this.#take(1)
        await this.#acknowledge(events)
        left -= events.length
      }
    }
    await Promise.all(Array.from({ length: readers }, read))
  }

  /** How long each message takes from its post to a reader, at a steady pace, in order of length. */
  async latencies(
    readers: number,
    conversations: readonly Conversation[],
    seconds: number,
  ): Promise<Float64Array> {
    const connection = await Connection.open(new URL(this.#url).origin)
    const sentAt: number[] = []
    const times: number[] = []
    const count = seconds * PER_SECOND
    const read = async (): Promise<void> => {
      while (times.length < count) {
        const events = await this.#take(1)
        const at = performance.now()
        for (const { type, data } of events)
          if (type === 'message.new') times.push(at - (sentAt[Number(data.message.payload.text)] ?? at))
        await this.#acknowledge(events)
      }
    }
    const reading = Promise.all(Array.from({ length: readers }, read))
    const next = inTurn(conversations)
    const start = performance.now()
    for (let sent = 0; sent < count; sent += 1) {
      const waitMs = start + (sent * 1000) / PER_SECOND - performance.now()
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
      const { conversationId, userId: authorId } = next()
      const body = { conversationId, authorId, payload: { type: 'text', text: `${sent}` } }
      const request = rawRequest('POST', '/api/v1/messages', this.#headers, body)
      sentAt.push(performance.now())
      await new Promise<void>((resolve) => connection.exchange(request, () => resolve()))
    }
    await reading
    connection.close()
    return sorted(times)
  }

  async #take(waitSeconds: number): Promise<PulledEvent[]> {
    const response = await fetch(`${this.#url}?wait=${waitSeconds}&limit=${LIMIT}`, {
      headers: this.#headers,
    })
    if (!response.ok) throw new Error(`the server answered ${response.status}: ${await response.text()}`)
    return ((await response.json()) as { events: PulledEvent[] }).events
  }

  async #acknowledge(events: readonly PulledEvent[]): Promise<void> {
    const positions = events.map(({ position }) => position)
    if (positions.length > 0) await post(`${this.#url}/ack`, this.#headers, { positions })
  }
}
