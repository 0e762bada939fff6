import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, credentials, PAYLOAD, post } from '../client.js'
import type { Figure } from '../figure.js'
import type { Plan } from '../plan.js'
import { temporaryFolder } from '../processes/children.js'
import { type Provider, startProvider } from '../processes/provider.js'
import { answers, residentBytes, type Server, startServer } from '../processes/server.js'
import type { Scenario } from '../scenario.js'
import { median, now, range } from '../statistics.js'

const MEGABYTE = 1_000_000
const AT_ONCE = 16
/** People of the first client at each channel: a provider takes one message a second to each. */
const PEOPLE = 12
/** Time for a server to come to rest. */
const SETTLE_MS = 3000

/**
 * Many clients, each with Telegram, Slack and Twilio, at providers that take everything: what the process has in memory
 * when each of them was used, how long it takes to start, and what the first message after a start waits longer for
 * than the next ones.
 */
export const channels: Scenario = { name: 'channels', run }

interface World {
  provider: Provider
  folder: string
  clients: Client[]
}

const kinds = ['telegram', 'slack', 'twilio'] as const
type Kind = (typeof kinds)[number]

const start = ({ provider, folder }: Pick<World, 'provider' | 'folder'>): Promise<Server> =>
  startServer({ folder, hasProbe: false, env: { PLUGBOARD_CHANNEL_OPTIONS: provider.options } })

async function run(plan: Plan): Promise<Figure[]> {
  const count = plan.quick ? 100 : 1000
  const world: World = { provider: await startProvider(), folder: await temporaryFolder(), clients: [] }
  plan.say(`making ${count} clients, each with three channels`)
  const server = await start(world)
  world.clients = await atOnce(count, (i) => createClient(server.url, i))
  await server.stop()
  const starts: Started[] = []
  for (let i = 0; i < (plan.quick ? 2 : 5); i += 1) starts.push(await startOnce(world))
  return [...figuresOf(starts, count), await memoryInUse(world)]
}

interface Started {
  seconds: number
  /** From the post to the provider, in milliseconds. */
  first: Record<Kind, number>
  next: Record<Kind, number>
}

async function startOnce(world: World): Promise<Started> {
  const begin = performance.now()
  const server = await start(world)
  await answers(`${server.url}/healthz`)
  const seconds = (performance.now() - begin) / 1000
  const client = world.clients[0] as Client
  const [first, next] = [{}, {}] as [Record<Kind, number>, Record<Kind, number>]
  // The process has served requests and come to rest: what is cold is the channel alone.
  const places = await Promise.all(
    kinds.map((kind) => atOnce(PEOPLE, (person) => map(server.url, client, kind, person))),
  )
  await sleep(SETTLE_MS)
  for (const [k, kind] of kinds.entries()) {
    const times: number[] = []
    for (const place of places[k] ?? []) times.push(await timeOf(world.provider, server.url, client, place))
    const [firstTime = Number.NaN, ...rest] = times
    first[kind] = firstTime
    next[kind] = median(rest)
  }
  await server.stop()
  return { seconds, first, next }
}

async function timeOf(provider: Provider, url: string, client: Client, place: string): Promise<number> {
  const { count } = await provider.sent()
  const begin = now()
  await post(`${url}/api/v1/messages`, client.headers, { conversationId: place, payload: PAYLOAD })
  return (await provider.until(count + 1)).lastAt - begin
}

/** One message of each client at each channel. */
async function memoryInUse(world: World): Promise<Figure> {
  const server = await start(world)
  const { count } = await world.provider.sent()
  await sleep(SETTLE_MS)
  const before = await residentBytes(server.pid)
  for (const kind of kinds) {
    await atOnce(world.clients.length, async (i) => {
      const client = world.clients[i] as Client
      const conversationId = await map(server.url, client, kind, PEOPLE)
      await post(`${server.url}/api/v1/messages`, client.headers, { conversationId, payload: PAYLOAD })
    })
  }
  await world.provider.until(count + world.clients.length * kinds.length)
  await sleep(SETTLE_MS)
  const value = (await residentBytes(server.pid)) / MEGABYTE
  await server.stop()
  const note = `resident, a message each sent; ${(before / MEGABYTE).toFixed(0)} MB after the start`
  const name = `memory, ${world.clients.length} clients with three channels`
  return { name, value, unit: 'MB', target: { below: 300 }, note }
}

function figuresOf(starts: readonly Started[], count: number): Figure[] {
  const seconds = starts.map((each) => each.seconds)
  const cold: Figure = {
    name: `cold start, ${count} clients with three channels`,
    ...{ value: median(seconds), unit: 's', spread: range(seconds), target: { below: 2 } },
  }
  const more = kinds.map((kind): Figure => {
    const waits = starts.map(({ first, next }) => first[kind] - next[kind])
    return {
      name: `first message after a start, ${kind}, beyond the next`,
      ...{ value: median(waits), unit: 'ms', spread: range(waits), target: { below: 100 } },
      note: `the next ${median(starts.map(({ next }) => next[kind])).toFixed(1)} ms from the post to the provider`,
    }
  })
  return [cold, ...more]
}

async function createClient(url: string, i: number): Promise<Client> {
  const text = String(i).padStart(32, '0')
  const { id, token } = await post<{ id: string; token: string }>(
    `${url}/api/v1/sync`,
    {},
    {
      channels: {
        telegram: { version: '1.0.0', mode: 'webhook', botToken: `${1_000_000 + i}:AAH${text}` },
        slack: { version: '1.0.0', signingSecret: text, botToken: `xoxb-${text}` },
        twilio: { version: '1.0.0', accountSID: `AC${text}`, authToken: text },
      },
    },
  )
  return { headers: credentials(id, token) }
}

const endpoints: Readonly<Record<Kind, (person: number) => object>> = {
  telegram: (person) => ({ identity: '*', sender: `${person + 1}`, thread: `${person + 1}` }),
  slack: (person) => ({ identity: '*', sender: `U${person}`, thread: `D${person}` }),
  twilio: (person) => ({ identity: '+15557122661', sender: `+1415555${1000 + person}`, thread: '*' }),
}

/** The conversation with a person. */
async function map(url: string, { headers }: Client, kind: Kind, person: number): Promise<string> {
  const body = { channel: { name: kind, version: '1.0.0' }, ...endpoints[kind](person) }
  const mapped = await post<{ conversationId: string }>(`${url}/api/v1/endpoints/map`, headers, body)
  return mapped.conversationId
}

/** Runs this many, with limited concurrency. */
async function atOnce<T>(count: number, run: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const work = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) results[i] = await run(i)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return results
}
