import { setTimeout } from 'node:timers/promises'
import { ADMIN_KEY, page } from '../admin.js'
import type { Figure } from '../figure.js'
import { OpenConsoles } from '../open-consoles.js'
import type { Plan } from '../plan.js'
import { Posts } from '../posts.js'
import { type Server, startServer } from '../processes/server.js'
import type { Scenario } from '../scenario.js'
import { type SeededConversation, seededWorld } from '../seed.js'
import { median, range } from '../statistics.js'

const FULL = { clients: 1, conversations: 10_000, messages: 1_000_000, dead: 100_000 }
const QUICK = { clients: 1, conversations: 1_000, messages: 20_000, dead: 2_000 }
const LONG = { clients: 1, conversations: 1, messages: 1_000_000 }
const QUICK_LONG = { ...LONG, messages: 20_000 }
const PER_SECOND = 2_000
const CONSOLES = 20
const ROUNDS = 6

/** Pages of the operator console, and what they cost, while posts continue. */
export const consolePages: Scenario = { name: 'console', run }

async function run(plan: Plan): Promise<Figure[]> {
  return [...(await ofMany(plan)), ...(await ofLong(plan))]
}

/** A client with many conversations. */
async function ofMany(plan: Plan): Promise<Figure[]> {
  const { quick, say } = plan
  const size = quick ? QUICK : FULL
  const { folder, env, conversations } = await seededWorld(plan, size)
  const server = await startServer({ folder, env: { ...env, ADMIN_KEY } })
  const [some] = conversations
  if (!some) throw new Error('no conversation')
  const of = `/clients/${some.headers['x-bp-messaging-client-id']}`
  const figures = await pages(plan, server, conversations, pagesOf(of, some), 'the pages')
  say(`opening ${CONSOLES} consoles ${ROUNDS} times`)
  figures.push(...(await consoles(plan, server, conversations, of)))
  await server.stop()
  return figures
}

/** A conversation of a million messages, to which more are posted. */
async function ofLong(plan: Plan): Promise<Figure[]> {
  const size = plan.quick ? QUICK_LONG : LONG
  const { folder, env, conversations } = await seededWorld(plan, size)
  const server = await startServer({ folder, env: { ...env, ADMIN_KEY } })
  const [long] = conversations
  if (!long) throw new Error('no conversation')
  const { headers, conversationId } = long
  const path = `/clients/${headers['x-bp-messaging-client-id']}/conversations/${conversationId}/timeline`
  const paths = {
    'newest entries of a long conversation': path,
    'entries in its middle': `${path}?before=${size.messages / 2}`,
    'its first entries': `${path}?after=0`,
  }
  const figures = await pages(plan, server, conversations, paths, 'these pages')
  await server.stop()
  return figures
}

/** Each page, while as many messages are posted per second as must be possible; before each some that are alone. */
async function pages(
  { quick, say }: Plan,
  server: Server,
  conversations: readonly SeededConversation[],
  paths: Readonly<Record<string, string>>,
  together: string,
): Promise<Figure[]> {
  const requests = quick ? 20 : 100
  say(`asking for each page ${requests} times`)
  const posts = new Posts(server, conversations, quick ? 200 : PER_SECOND)
  await posts.start()
  const figures: Figure[] = []
  const [alone, beside]: [number[], number[]] = [[], []]
  for (const [name, path] of Object.entries(paths)) {
    alone.push(await posts.rateDuring(setTimeout(quick ? 200 : 4000)))
    const asked = page(server, `console, ${name}`, path, requests)
    beside.push(await posts.rateDuring(asked))
    figures.push(await asked)
  }
  await posts.stop()
  const floor = { value: median(alone), spread: range(alone) }
  const note = `floor: without the pages; ${PER_SECOND}/s are wanted`
  return [
    ...figures,
    {
      name: `console, posts beside ${together}`,
      value: median(beside),
      unit: '/s',
      spread: range(beside),
      floor,
      note,
    },
  ]
}

/** What the console asks for. */
const pagesOf = (client: string, { userId, conversationId }: SeededConversation): Record<string, string> => ({
  conversations: `${client}/conversations`,
  'conversations of a user': `${client}/conversations?user=${userId}`,
  'conversations of a time': `${client}/conversations?until=${new Date(Date.now() - 1000).toISOString()}`,
  'one conversation': `${client}/conversations/${conversationId}`,
  timeline: `${client}/conversations/${conversationId}/timeline`,
  'dead letters': `${client}/deliveries`,
  'dead letters by reason': `${client}/deliveries?reason=gone`,
  'dead letters by channel and reason': `${client}/deliveries?channel=telegram&reason=gone`,
  'dead letters by channel and a rare reason': `${client}/deliveries?channel=telegram&reason=recipient`,
  'pending deliveries': `${client}/deliveries?state=retrying`,
  jobs: `${client}/jobs`,
  overview: '/overview',
})

/** Posts as fast as the server takes them, with open consoles and without, in turns. */
async function consoles(
  { quick }: Plan,
  server: Server,
  conversations: readonly SeededConversation[],
  client: string,
): Promise<Figure[]> {
  const posts = new Posts(server, conversations, Number.POSITIVE_INFINITY)
  await posts.start()
  const open = new OpenConsoles(server, client, conversations)
  const sides = { with: new Side(), without: new Side() }
  const slice = (side: Side) => side.measure(server, posts, quick ? 500 : 5000)
  for (let round = 0; round < ROUNDS; round += 1) {
    // The other one first each time.
    if (round % 2 === 0) await slice(sides.without)
    await open.start(CONSOLES)
    await slice(sides.with)
    await open.stop()
    if (round % 2 !== 0) await slice(sides.without)
  }
  await posts.stop()
  const [own, floor] = [sides.with, sides.without]
  return [
    {
      ...{ name: `console, posts with ${CONSOLES} open consoles`, value: median(own.rates), unit: '/s' },
      ...{ spread: range(own.rates), floor: { value: median(floor.rates), spread: range(floor.rates) } },
      target: { atLeastOfFloor: 0.97 },
      note: `floor: with none; processor time of a post ${own.cpuText}, with none ${floor.cpuText}`,
    },
  ]
}

class Side {
  readonly rates: number[] = []
  readonly #cpuMicros: number[] = []

  get cpuText(): string {
    return `${median(this.#cpuMicros).toFixed(0)} µs`
  }

  async measure(server: Server, posts: Posts, ms: number): Promise<void> {
    const [cpuBefore, before] = [await server.ask<number>('cpu'), posts.answers]
    this.rates.push(await posts.rateDuring(setTimeout(ms)))
    const cpuMs = (await server.ask<number>('cpu')) - cpuBefore
    this.#cpuMicros.push((cpuMs * 1000) / (posts.answers - before))
  }
}
