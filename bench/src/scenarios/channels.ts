import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, converse, credentials, PAYLOAD, post } from '../client.js'
import type { Figure } from '../figure.js'
import { type ChannelName, channelNames, configurationsOf, integrations } from '../integrations.js'
import type { Plan } from '../plan.js'
import { temporaryFolder } from '../processes/children.js'
import { type Provider, startProvider } from '../processes/provider.js'
import { answers, residentBytes, type Server, type ServerOptions, startServer } from '../processes/server.js'
import type { Scenario } from '../scenario.js'
import { median, now, range } from '../statistics.js'

const MEGABYTE = 1_000_000
const AT_ONCE = 16
/** People of the first client at each channel: a provider takes one message a second to each. */
const PEOPLE = 12
/** Time for a server to come to rest after a start or a load, and after some messages. */
const [SETTLE_MS, REST_MS] = [3000, 1000]

/**
 * Many clients, each with every channel, at providers that take everything: what the process has in memory when each of
 * them was used, what an integration adds to the heap, how long the process takes to start, and what the first message
 * after a start waits longer for than the next ones.
 */
export const channels: Scenario = { name: 'channels', run }

interface World {
  provider: Provider
  folder: string
  clients: Client[]
}

const start = (
  { provider, folder }: Pick<World, 'provider' | 'folder'>,
  options: ServerOptions = { hasProbe: false },
): Promise<Server> =>
  startServer({
    ...{ folder, ...options },
    // What did not work at once, on a busy machine, is to be done soon.
    env: { PLUGBOARD_CHANNEL_OPTIONS: provider.options, PROVISION_RETRY_DELAYS: '1s' },
  })

async function run(plan: Plan): Promise<Figure[]> {
  const count = plan.quick ? 100 : 1000
  const world: World = { provider: await startProvider(), folder: await temporaryFolder(), clients: [] }
  plan.say(`making ${count} clients, each with ${channelNames.length} channels`)
  const server = await start(world)
  // The first one loads the channels, for which the others would wait.
  world.clients = [await createClient(server.url, 0)]
  await untilActive(server.url, world.clients[0])
  world.clients.push(...(await atOnce(count - 1, (i) => createClient(server.url, i + 1))))
  plan.say('waiting until all of them are set up')
  await atOnce(count, (i) => untilActive(server.url, world.clients[i]))
  await server.stop()
  plan.say('starting with them')
  const starts: Started[] = []
  for (let i = 0; i < (plan.quick ? 2 : 5); i += 1) starts.push(await startOnce(world))
  plan.say('sending a message with each integration')
  return [...figuresOf(starts, count), await memoryInUse(world), ...(await memoryOfEach(world))]
}

interface Started {
  seconds: number
  /** From the post to the provider, in milliseconds. */
  first: Record<ChannelName, number>
  next: Record<ChannelName, number>
}

async function startOnce(world: World): Promise<Started> {
  const begin = performance.now()
  const server = await start(world)
  await answers(`${server.url}/healthz`)
  const seconds = (performance.now() - begin) / 1000
  const [first, next] = [{}, {}] as [Record<ChannelName, number>, Record<ChannelName, number>]
  // The process has served requests and come to rest: what is cold is the channel alone.
  const places = new Map<ChannelName, string[]>()
  for (const name of channelNames)
    places.set(name, await atOnce(PEOPLE, (person) => map(server.url, world, 0, name, person)))
  await sleep(SETTLE_MS)
  for (const [name, conversations] of places) {
    const times: number[] = []
    for (const conversation of conversations) times.push(await timeOf(world, server.url, conversation))
    const [firstTime = Number.NaN, ...rest] = times
    first[name] = firstTime
    next[name] = median(rest)
  }
  await server.stop()
  return { seconds, first, next }
}

async function timeOf({ provider, clients }: World, url: string, conversationId: string): Promise<number> {
  const { count } = await provider.sent()
  const begin = now()
  await say(url, clients[0], conversationId)
  return (await provider.until(count + 1)).lastAt - begin
}

/** One message of each client at each channel. */
async function memoryInUse(world: World): Promise<Figure> {
  const server = await start(world)
  await sleep(SETTLE_MS)
  const before = await residentBytes(server.pid)
  for (const name of channelNames) await useAll(world, server.url, name)
  await sleep(SETTLE_MS)
  const value = (await residentBytes(server.pid)) / MEGABYTE
  await server.stop()
  const note = `resident, a message each sent; ${(before / MEGABYTE).toFixed(0)} MB after the start`
  return { name: `memory, ${inWords(world.clients.length)}`, value, unit: 'MB', target: { below: 300 }, note }
}

const inWords = (clients: number): string => `${clients} clients with ${channelNames.length} channels`

/**
 * What the heap grows by with each further integration that sends a message. The clients are known to the process before,
 * and so is the channel.
 */
async function memoryOfEach(world: World): Promise<Figure[]> {
  const server = await start(world, { hasProbe: true })
  const { url } = server
  await atOnce(world.clients.length, async (i) => {
    const client = world.clients[i] as Client
    const [conversation] = await converse(url, client, 1)
    await say(url, client, conversation?.conversationId ?? '')
  })
  const figures: Figure[] = []
  for (const name of channelNames) {
    for (let person = 1; person <= PEOPLE; person += 1) await use(world, url, 0, name, person)
    await sleep(REST_MS)
    const before = await heapOf(server)
    await useAll(world, url, name)
    await sleep(REST_MS)
    const value = ((await heapOf(server)) - before) / world.clients.length / 1000
    figures.push({ name: `memory of an integration in use, ${name}`, value, unit: 'kB', note: 'heap' })
  }
  await server.stop()
  return figures
}

/** Asked twice, since what a first collection frees may hold what a second one can. */
async function heapOf(server: Server): Promise<number> {
  await server.memory()
  return (await server.memory()).heapBytes
}

/** Each client sends one message with a channel. */
async function useAll(world: World, url: string, name: ChannelName): Promise<void> {
  const { count } = await world.provider.sent()
  await atOnce(world.clients.length, (i) => use(world, url, i, name, 0))
  await world.provider.until(count + world.clients.length)
}

async function use(world: World, url: string, client: number, name: ChannelName, person: number) {
  await say(url, world.clients[client], await map(url, world, client, name, person))
}

async function say(url: string, client: Client | undefined, conversationId: string): Promise<void> {
  await post(`${url}/api/v1/messages`, client?.headers ?? {}, { conversationId, payload: PAYLOAD })
}

function figuresOf(starts: readonly Started[], count: number): Figure[] {
  const seconds = starts.map((each) => each.seconds)
  const cold: Figure = {
    name: `cold start, ${inWords(count)}`,
    ...{ value: median(seconds), unit: 's', spread: range(seconds), target: { below: 2 } },
  }
  const more = channelNames.map((name): Figure => {
    const waits = starts.map(({ first, next }) => first[name] - next[name])
    return {
      name: `first message after a start, ${name}, beyond the next`,
      ...{ value: median(waits), unit: 'ms', spread: range(waits), target: { below: 100 } },
      note: `the next ${median(starts.map(({ next }) => next[name])).toFixed(1)} ms from the post to the provider`,
    }
  })
  return [cold, ...more]
}

async function createClient(url: string, i: number): Promise<Client> {
  const configuration = { channels: configurationsOf(i) }
  const { id, token } = await post<{ id: string; token: string }>(`${url}/api/v1/sync`, {}, configuration)
  return { headers: credentials(id, token) }
}

/** Waits until everything is set up at the providers, which a server does beside its other work. */
async function untilActive(url: string, client: Client | undefined): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/api/v1/health`, { headers: client?.headers ?? {} })
    const { channels } = (await response.json()) as { channels: Record<string, { status: string }> }
    if (Object.values(channels).every(({ status }) => status === 'active')) return
    await sleep(REST_MS)
  }
}

/** The conversation of a client with a person. */
async function map(url: string, { clients }: World, client: number, name: ChannelName, person: number) {
  const body = { channel: { name, version: '1.0.0' }, ...integrations[name].endpoint(person, client) }
  const headers = clients[client]?.headers ?? {}
  return (await post<{ conversationId: string }>(`${url}/api/v1/endpoints/map`, headers, body)).conversationId
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
