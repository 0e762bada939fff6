import { setTimeout } from 'node:timers/promises'
import { ADMIN_KEY, page } from '../admin.js'
import { converse, createClient, inTurn, messageRequest } from '../client.js'
import type { Figure } from '../figure.js'
import { type Load, load } from '../load.js'
import { type Receiver, startReceiver } from '../processes/receiver.js'
import { type Server, startServer } from '../processes/server.js'
import type { Scenario } from '../scenario.js'
import { median, range } from '../statistics.js'

const ROUNDS = 7
/** Until everything is written that was collected meanwhile. */
const WRITTEN_MS = 1500

interface Side {
  server: Server
  receiver: Receiver
  posts: Load
  /** Of a conversation, in the admin API. */
  timeline: string
  cpuMicros: number[]
}

/** What the history of attempts costs: processor time of a message that is posted and delivered, with it and without. */
export const attempts: Scenario = {
  name: 'attempts',
  async run(plan) {
    const sides = { with: await sideOf('7d'), without: await sideOf('0s') }
    const count = plan.quick ? 3000 : 15_000
    for (const side of Object.values(sides)) await deliver(side, Math.min(plan.warmUp, count))
    for (let round = 0; round < ROUNDS; round += 1) {
      // In turns, and the other one first each time.
      const order = round % 2 === 0 ? [sides.with, sides.without] : [sides.without, sides.with]
      for (const side of order) side.cpuMicros.push(await deliver(side, count))
    }
    const timelines: Figure[] = []
    for (const [name, { server, timeline }] of Object.entries(sides))
      timelines.push(await page(server, `attempts, a timeline ${name} its history`, timeline, 100))
    for (const { server } of Object.values(sides)) await server.stop()
    const [own, floor] = [sides.with.cpuMicros, sides.without.cpuMicros]
    return [
      {
        name: 'attempts, µs of processor time for a post and its delivery',
        value: median(own),
        unit: '',
        spread: range(own),
        floor: { value: median(floor), spread: range(floor) },
        note: 'floor: without the history',
      },
      ...timelines,
    ]
  },
}

async function sideOf(keep: string): Promise<Side> {
  const [server, receiver] = await Promise.all([
    startServer({ env: { ATTEMPTS_KEEP: keep, ADMIN_KEY } }),
    startReceiver(),
  ])
  const client = await createClient(server.url, [receiver.url])
  const conversations = await converse(server.url, client, 400)
  await receiver.until(2 * conversations.length)
  const next = inTurn(conversations.map((conversation) => messageRequest(client, conversation)))
  const id = client.headers['x-bp-messaging-client-id']
  const timeline = `/clients/${id}/conversations/${conversations[0]?.conversationId}/timeline`
  return { server, receiver, posts: { url: server.url, next }, timeline, cpuMicros: [] }
}

/** Returns the processor time of one message, in microseconds. */
async function deliver({ server, receiver, posts }: Side, count: number): Promise<number> {
  const cpuMs = () => server.ask<number>('cpu')
  await receiver.reset()
  const before = await cpuMs()
  await load(posts, { count })
  await receiver.until(count)
  await setTimeout(WRITTEN_MS)
  return (1000 * ((await cpuMs()) - before)) / count
}
