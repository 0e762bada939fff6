import { connect, type Socket } from 'node:net'
import {
  type Client,
  type Conversation,
  converse,
  createClient,
  inTurn,
  messageRequest,
  PAYLOAD,
  post,
} from '../client.js'
import { Connection, rawRequest } from '../connection.js'
import type { Figure } from '../figure.js'
import { load } from '../load.js'
import type { Plan } from '../plan.js'
import { temporaryFolder } from '../processes/children.js'
import type { Memory } from '../processes/probe.js'
import { type Server, startServer } from '../processes/server.js'
import type { Scenario } from '../scenario.js'
import { median, percentile, range, sorted } from '../statistics.js'

const MEGABYTE = 1_000_000
/** Connections that are opened at once: more than a backlog of the system holds would be refused. */
const OPENED_AT_ONCE = 100
const USERS_AT_ONCE = 20
const PER_SECOND = 200
/** Messages of each conversation that its stream has missed. */
const MISSED = 100
const PATIENCE_MS = 60_000
/** As many conversations as the server keeps in its cache in any case. */
const CONVERSATIONS = 1000

/** Event streams: what idle ones cost, how soon an event is there, and what happens after an interruption of all. */
export const stream: Scenario = { name: 'stream', run }

async function run(plan: Plan): Promise<Figure[]> {
  return [...(await idle(plan)), ...(await live(plan)), ...(await nobody(plan))]
}

/** Each of another user, with the token of that user. */
async function idle({ quick, say }: Plan): Promise<Figure[]> {
  const count = quick ? 1000 : 10_000
  const folder = await temporaryFolder()
  const maker = await startServer({ folder })
  const client = await createClient(maker.url)
  say(`making ${count} users`)
  const shares = Array.from({ length: USERS_AT_ONCE }, () => withToken(maker, client, count / USERS_AT_ONCE))
  const users = (await Promise.all(shares)).flat()
  // What it took to make them is no cost of streams.
  await maker.stop()
  const server = await startServer({ folder })
  const before = await settled(server)
  say(`opening ${count} streams`)
  const streams = await openAll(server, count, inTurn(users))
  const after = await settled(server)
  for (const each of streams) each.close()
  await server.stop()
  const added = (after.heapBytes - before.heapBytes) / count / 1000
  return [
    {
      name: `${count} idle streams with tokens of users, memory of the process`,
      value: after.residentBytes / MEGABYTE,
      unit: 'MB',
      target: { below: 300 },
      note: `${(before.residentBytes / MEGABYTE).toFixed(0)} MB before; each adds ${added.toFixed(1)} kB to the heap`,
    },
  ]
}

async function live({ quick, say }: Plan): Promise<Figure[]> {
  const server = await startServer()
  const client = await createClient(server.url)
  const conversations = await converse(server.url, client, quick ? 100 : CONVERSATIONS)
  say(`opening ${conversations.length} streams`)
  const streams = await openAll(server, conversations.length, inTurn(readBy(client, conversations)))
  const { times, answers } = await postEvenly(server, client, conversations, streams, quick ? 2 : 20)
  for (const each of streams) each.close()
  const latencies = sorted(times)
  const [p50, p99] = [percentile(latencies, 0.5), percentile(latencies, 0.99)]
  const posting = percentile(sorted(answers), 0.5).toFixed(2)
  const note = `of ${times.length}, at ${PER_SECOND}/s with ${streams.length} readers; the 201 is there after ${posting} ms`
  say('posting what streams miss')
  const next = inTurn(conversations.map((conversation) => messageRequest(client, conversation)))
  await load({ url: server.url, next }, { count: conversations.length * MISSED })
  const start = performance.now()
  const resumed = await Promise.all(
    streams.map(async ({ request, position }) => {
      const again = await Stream.open(server.url, request, position)
      await again.has(MISSED)
      return again
    }),
  )
  const seconds = (performance.now() - start) / 1000
  for (const each of resumed) each.close()
  await server.stop()
  return [
    { name: 'post to stream, p50', value: p50, unit: 'ms', target: { below: 5 }, note },
    { name: 'post to stream, p99', value: p99, unit: 'ms', target: { below: 50 } },
    {
      name: `${resumed.length} streams resume at once, until each has ${MISSED} events`,
      value: seconds,
      unit: 's',
      target: { below: 10 },
    },
  ]
}

/**
 * What posts lose at a server whose streams are closed, next to one that never had any. Two processes that do the same
 * differ by more than what is looked for, so each is compared with itself before.
 */
async function nobody(plan: Plan): Promise<Figure[]> {
  const { quick, say } = plan
  const sides = await Promise.all([Side.start(quick), Side.start(quick)])
  const [former] = sides
  say('posting to both')
  for (const side of sides) await side.warmUp(quick ? 1000 : 20_000)
  const before = await alternately(plan, sides)
  const streams = await openAll(former.server, former.conversations.length, inTurn(former.readable))
  for (const each of streams) each.close()
  // Streams bring new object shapes, so V8 optimizes the code of posts again.
  for (const side of sides) await side.warmUp(quick ? 1000 : 20_000)
  const after = await alternately(plan, sides)
  for (const { server } of sides) await server.stop()
  const [own, floor] = [after.map(([rate]) => rate), after.map(([, rate]) => rate)]
  const handicap = median(before.map(([rate, other]) => other / rate))
  return [
    {
      ...{ name: 'posts after all streams were closed', value: median(own) * handicap, spread: range(own) },
      ...{ unit: '/s', floor: { value: median(floor), spread: range(floor) } },
      target: { atLeastOfFloor: 0.97 },
      note: `floor: never had streams. Before the streams it did ${percent(1 / handicap)} of the other`,
    },
  ]
}

const percent = (ratio: number): string => `${(ratio * 100).toFixed(0)} %`

/** A server with conversations to post to. */
class Side {
  readonly server: Server
  readonly conversations: readonly Conversation[]
  readonly #client: Client
  readonly #next: () => Buffer

  private constructor(server: Server, client: Client, conversations: readonly Conversation[]) {
    this.server = server
    this.#client = client
    this.conversations = conversations
    this.#next = inTurn(conversations.map((conversation) => messageRequest(client, conversation)))
  }

  static async start(quick: boolean): Promise<Side> {
    const server = await startServer()
    const client = await createClient(server.url)
    return new Side(server, client, await converse(server.url, client, quick ? 50 : 400))
  }

  get readable(): Readable[] {
    return readBy(this.#client, this.conversations)
  }

  async warmUp(count: number): Promise<void> {
    await load({ url: this.server.url, next: this.#next }, { count })
  }

  async rate(ms: number): Promise<number> {
    return (await load({ url: this.server.url, next: this.#next }, { ms })).rate
  }
}

/** Posts per second of two servers in pairs of slices, the other one first each time. */
async function alternately(
  { slices, sliceMs }: Plan,
  [one, other]: readonly [Side, Side],
): Promise<(readonly [number, number])[]> {
  const rates: (readonly [number, number])[] = []
  for (let i = 0; i < slices; i += 1) {
    const first = await one.rate(sliceMs / 4)
    const second = await other.rate(sliceMs / 4)
    const third = await other.rate(sliceMs / 4)
    rates.push([first, second], [await one.rate(sliceMs / 4), third])
  }
  return rates
}

/**
 * Posts to one conversation after another at an even rate. Milliseconds from each post to its event, and to its answer.
 */
async function postEvenly(
  server: Server,
  { headers }: Client,
  conversations: readonly Conversation[],
  streams: readonly Stream[],
  seconds: number,
): Promise<{ times: number[]; answers: number[] }> {
  const connections = await Promise.all(Array.from({ length: 16 }, () => Connection.open(server.url)))
  const free = [...connections]
  const sentAt: number[] = []
  const times: number[] = []
  const answers: number[] = []
  const count = seconds * PER_SECOND
  for (const each of streams)
    each.onText = (text) => {
      const n = Number(text)
      if (sentAt[n] !== undefined) times.push(performance.now() - sentAt[n])
    }
  const start = performance.now()
  for (let n = 0; n < count; n += 1) {
    const due = start + (n * 1000) / PER_SECOND
    while (performance.now() < due || free.length === 0)
      await new Promise((resolve) => setTimeout(resolve, 1))
    const connection = free.pop()
    const conversation = conversations[n % conversations.length]
    if (!connection || !conversation) throw new Error('no connection is free')
    const { conversationId, userId: authorId } = conversation
    const body = { conversationId, authorId, payload: { ...PAYLOAD, text: String(n) } }
    sentAt[n] = performance.now()
    connection.exchange(rawRequest('POST', '/api/v1/messages', headers, body), (status) => {
      if (status !== 201) throw new Error(`the server answered ${status}`)
      answers.push(performance.now() - (sentAt[n] ?? 0))
      free.push(connection)
    })
  }
  const end = performance.now() + PATIENCE_MS
  while (times.length < count && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 10))
  if (times.length !== count) throw new Error(`${times.length} of ${count} events came`)
  for (const connection of connections) connection.close()
  return { times, answers }
}

/** A conversation, and the credentials of who reads it. */
interface Readable extends Conversation {
  headers: Client['headers']
}

const readBy = ({ headers }: Client, conversations: readonly Conversation[]): Readable[] =>
  conversations.map((conversation) => ({ ...conversation, headers }))

/** Conversations, each read by its user. */
async function withToken({ url }: Server, client: Client, count: number): Promise<Readable[]> {
  const readable: Readable[] = []
  for (const conversation of await converse(url, client, count)) {
    const { userId } = conversation
    const { token } = await post<{ token: string }>(`${url}/api/v1/users/tokens`, client.headers, { userId })
    readable.push({ ...conversation, headers: { authorization: `Bearer ${token}` } })
  }
  return readable
}

async function openAll({ url }: Server, count: number, next: () => Readable): Promise<Stream[]> {
  const streams: Stream[] = []
  while (streams.length < count) {
    const some = Array.from({ length: Math.min(OPENED_AT_ONCE, count - streams.length) }, () => {
      const { conversationId, headers } = next()
      return Stream.open(url, (position) =>
        rawRequest('GET', `/api/v1/conversations/${conversationId}/events`, {
          ...headers,
          ...(position !== undefined && { 'last-event-id': position }),
        }),
      )
    })
    streams.push(...(await Promise.all(some)))
  }
  return streams
}

type Request = (position?: string) => Buffer

/** A stream of events. It reads only positions and texts, which costs little. */
class Stream {
  readonly request: Request
  position: string | undefined
  onText: (text: string) => void = () => undefined
  readonly #socket: Socket
  #messages = 0
  #rest = ''
  #isOpen = false
  #wanted: { count: number; resolve(): void } | undefined

  private constructor(socket: Socket, request: Request, position: string | undefined) {
    this.#socket = socket
    this.request = request
    this.position = position
  }

  /** Resolves when it has begun. */
  static open(url: string, request: Request, position?: string): Promise<Stream> {
    const { hostname, port } = new URL(url)
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => socket.write(request(position)))
      const stream = new Stream(socket, request, position)
      socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('a stream is silent')))
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('the server closed a stream')))
      socket.on('data', (chunk) => {
        const text = chunk.toString('latin1')
        if (!stream.#isOpen && !text.startsWith('HTTP/1.1 200 ')) reject(new Error(text.slice(0, 100)))
        stream.#read(text)
        // A stream without a position is told where it begins.
        if (stream.position !== undefined) resolve(stream)
      })
    })
  }

  /** Resolves when so many messages have come. */
  has(count: number): Promise<void> {
    if (this.#messages >= count) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wanted = { count, resolve }
    })
  }

  close(): void {
    this.#socket.removeAllListeners('close').destroy()
  }

  #read(text: string): void {
    this.#isOpen = true
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.startsWith('id: ')) this.position = line.slice(4).trim()
      const [, said] = line.startsWith('data: {"type":"message.new"')
        ? (/"text":"([^"]*)"/.exec(line) ?? [])
        : []
      if (said === undefined) continue
      this.#messages += 1
      this.onText(said)
    }
    if (this.#wanted && this.#messages >= this.#wanted.count) this.#wanted.resolve()
  }
}

/** Asked twice, since what a first collection frees may hold what a second one can. */
async function settled(server: Server): Promise<Memory> {
  await server.memory()
  await new Promise((resolve) => setTimeout(resolve, 2000))
  return server.memory()
}
