import { setTimeout } from 'node:timers/promises'
import { ADMIN_KEY, page } from '../admin.js'
import { converse, createClient, inTurn, messageRequest } from '../client.js'
import type { Figure } from '../figure.js'
import { type Load, load } from '../load.js'
import { type Receiver, startReceiver } from '../processes/receiver.js'
import { type Server, startServer } from '../processes/server.js'
import type { Scenario } from '../scenario.js'
import { median, range } from '../statistics.js'

/** Processes that do the same differ by as much as is looked for: so several pairs of them are compared. */
const PAIRS = 5
const ROUNDS = 3
/** Until everything is written that was collected meanwhile. */
const WRITTEN_MS = 1500

interface Side {
  /** `ATTEMPTS_KEEP`: `0s` is without the history. */
  keep: string
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
    const own: number[] = []
    const floor: number[] = []
    const timelines: Figure[] = []
    const pairs = plan.quick ? 1 : PAIRS
    for (let pair = 1; pair <= pairs; pair += 1) {
      // The one that starts first is another one each time.
      const keeps = pair % 2 === 0 ? ['7d', '0s'] : ['0s', '7d']
      const sides = [await sideOf(keeps[0] ?? ''), await sideOf(keeps[1] ?? '')]
      const count = plan.quick ? 3000 : 15_000
      for (const side of sides) await deliver(side, Math.min(plan.warmUp, count))
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const side of sides) side.cpuMicros.push(await deliver(side, count))
        sides.reverse()
      }
      for (const { keep, cpuMicros } of sides) (keep === '0s' ? floor : own).push(median(cpuMicros))
      if (pair === pairs) timelines.push(...(await timelinesOf(sides)))
      for (const { server } of sides) await server.stop()
    }
    return [
      {
        name: 'attempts, µs of processor time for a post and its delivery',
        value: median(own),
        unit: '',
        spread: range(own),
        floor: { value: median(floor), spread: range(floor) },
        note: `floor: without the history; medians of ${pairs} pairs of processes`,
      },
      ...timelines,
    ]
  },
}

async function timelinesOf(sides: readonly Side[]): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const { keep, server, timeline } of sides) {
    const name = `attempts, a timeline ${keep === '0s' ? 'without' : 'with'} its history`
    figures.push(await page(server, name, timeline, 100))
  }
  return figures
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
  return { keep, server, receiver, posts: { url: server.url, next }, timeline, cpuMicros: [] }
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
