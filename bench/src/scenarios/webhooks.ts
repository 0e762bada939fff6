import { converse, createClient, inTurn, messageRequest, PAYLOAD } from '../client.js'
import { rawRequest } from '../connection.js'
import type { Figure } from '../figure.js'
import { type Load, load } from '../load.js'
import type { Plan } from '../plan.js'
import { type Receiver, startReceiver } from '../processes/receiver.js'
import { startServer } from '../processes/server.js'
import type { Scenario } from '../scenario.js'
import { median, now, range } from '../statistics.js'

interface Lanes {
  name: string
  conversations: number
  /** Deliveries of one round. */
  full: number
  quick: number
  /** How long the receiver takes to answer. */
  delayMs?: number
  target?: NonNullable<Figure['target']>
}

const ROUNDS = 3

/** As long as those of a delivery. */
const WEBHOOK_HEADERS = {
  'x-bp-messaging-client-id': 'i'.repeat(36),
  'x-bp-messaging-webhook-token': 't'.repeat(125),
  'webhook-id': 'd'.repeat(49),
  'webhook-timestamp': '0'.repeat(10),
  'webhook-signature': 's'.repeat(47),
}

/** Deliveries a second to one webhook, over many conversations and in one. */
export const webhooks: Scenario = {
  name: 'webhooks',
  run: async (plan) => [
    ...(await measure(plan, {
      name: '400 lanes',
      conversations: 400,
      full: 30_000,
      quick: 4000,
      target: { atLeast: 8000 },
    })),
    ...(await measure(plan, { name: 'one lane', conversations: 1, full: 20_000, quick: 3000 })),
    ...(await measure(plan, {
      name: `400 lanes, ${plan.receiverDelayMs} ms`,
      conversations: 400,
      full: 20_000,
      quick: 4000,
      delayMs: plan.receiverDelayMs,
    })),
    ...(await measure(plan, {
      name: `one lane, ${plan.receiverDelayMs} ms`,
      conversations: 1,
      full: 2000,
      quick: 500,
      delayMs: plan.receiverDelayMs,
      // Of a bare client that sends one request after another.
      target: { atLeastOfFloor: 0.9 },
    })),
  ],
}

async function measure(plan: Plan, lanes: Lanes): Promise<Figure[]> {
  const [server, receiver] = await Promise.all([startServer(), startReceiver(lanes.delayMs)])
  const client = await createClient(server.url, [receiver.url])
  const conversations = await converse(server.url, client, lanes.conversations)
  // The webhook also receives events of users and conversations.
  await receiver.until(2 * conversations.length)
  const next = inTurn(conversations.map((conversation) => messageRequest(client, conversation)))
  const posts = { url: server.url, next }
  const count = plan.quick ? lanes.quick : lanes.full
  await endToEnd(posts, receiver, Math.min(plan.warmUp, count))
  const rounds: Round[] = []
  const cpuMs = () => server.ask<number>('cpu')
  const cpuBefore = await cpuMs()
  for (let i = 0; i < ROUNDS; i += 1) rounds.push(await endToEnd(posts, receiver, count))
  const cpuMicros = (1000 * ((await cpuMs()) - cpuBefore)) / (ROUNDS * count)
  const drain = await afterOutage(posts, receiver, count)
  await server.stop()
  const floor = await floorOf(lanes, receiver, count)
  return [endToEndFigure(lanes, rounds, cpuMicros, floor), { ...drainFigure(lanes, count, drain), floor }]
}

interface Round {
  delivered: number
  posted: number
}

/** From the first post to the last delivery, posts as fast as they are taken. */
async function endToEnd(posts: Load, receiver: Receiver, count: number): Promise<Round> {
  await receiver.reset()
  const start = now()
  const { rate: posted } = await load(posts, { count })
  const { lastAt } = await receiver.until(count)
  return { delivered: (count / (lastAt - start)) * 1000, posted }
}

/** Of one client. More lanes than this share its connections. */
const CONNECTIONS_TO_TARGET = 32

/** What the receiver takes of a bare socket for each lane, each with one request after another, as order wants it. */
async function floorOf(
  lanes: Lanes,
  { url }: Receiver,
  count: number,
): Promise<NonNullable<Figure['floor']>> {
  const request = rawRequest('POST', '/', WEBHOOK_HEADERS, {
    type: 'message.new',
    data: { payload: PAYLOAD },
  })
  const connections = Math.min(lanes.conversations, CONNECTIONS_TO_TARGET)
  const rates: number[] = []
  for (let i = 0; i < ROUNDS; i += 1) {
    rates.push((await load({ url, next: () => request, connections }, { count })).rate)
  }
  return { value: median(rates), spread: range(rates) }
}

interface Drain {
  /** From the first delivery to the last. */
  rate: number
  /** From when the receiver was well again to the first delivery. */
  waitMs: number
  refused: number
}

/** A backlog that grew while the receiver refused, from the moment that it takes the first. */
async function afterOutage(posts: Load, receiver: Receiver, count: number): Promise<Drain> {
  await receiver.become('refuse')
  await receiver.reset()
  await load(posts, { count })
  const { refused } = await receiver.arrivals()
  const wellAt = now()
  await receiver.become('accept')
  const { firstAt, lastAt } = await receiver.until(count)
  return { rate: ((count - 1) / (lastAt - firstAt)) * 1000, waitMs: firstAt - wellAt, refused }
}

function endToEndFigure(
  { name, target }: Lanes,
  rounds: readonly Round[],
  cpuMicros: number,
  floor: NonNullable<Figure['floor']>,
): Figure {
  const delivered = rounds.map((round) => round.delivered)
  return {
    name: `webhooks, ${name}, while posting`,
    value: median(delivered),
    unit: '/s',
    spread: range(delivered),
    floor,
    ...(target && { target }),
    note: `posts ${Math.round(median(rounds.map(({ posted }) => posted)))}/s; cpu ${cpuMicros.toFixed(0)} µs for a post and its delivery`,
  }
}

function drainFigure({ name, target }: Lanes, count: number, { rate, waitMs, refused }: Drain): Figure {
  return {
    name: `webhooks, ${name}, after an outage`,
    value: rate,
    unit: '/s',
    ...(target && { target }),
    note: `${count} waited; first after ${Math.round(waitMs)} ms; ${refused} attempts were refused`,
  }
}
