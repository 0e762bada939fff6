import { WebSocket } from 'ws'
import { createClient, PAYLOAD } from '../client.js'
import { Connection, rawRequest } from '../connection.js'
import type { Figure } from '../figure.js'
import type { Plan } from '../plan.js'
import { type Server, startServer } from '../processes/server.js'
import type { Scenario } from '../scenario.js'
import { percentile, sorted } from '../statistics.js'

const MEGABYTE = 1_000_000
/** Sockets that are opened at once. */
const AT_ONCE = 50
/** Messages that are posted in a second, over so many connections. */
const PER_SECOND = 200
const CONNECTIONS = 4

/** No limit of an address: here, all sockets have one. */
const NO_LIMITS = {
  SOCKET_RATE_LIMIT: '0',
  SOCKETS_PER_ADDRESS: '0',
  GUEST_RATE_LIMIT: '0',
  GUEST_MESSAGE_LIMIT: '0',
}

/** What idle sockets hold of memory, and how long a message of the bot takes from its post to the socket of its user. */
export const socket: Scenario = { name: 'socket', run }

async function run(plan: Plan): Promise<Figure[]> {
  const [idle, readers] = plan.quick ? [500, 100] : [10_000, 1_000]
  const server = await startServer({ env: NO_LIMITS })
  const client = await createClient(server.url)
  const clientId = client.headers['x-bp-messaging-client-id'] ?? ''
  const sockets: OpenSocket[] = []
  try {
    sockets.push(await OpenSocket.open(server.url, clientId))
    const before = await settled(server)
    plan.say(`opening ${idle} sockets`)
    while (sockets.length < idle)
      sockets.push(
        ...(await Promise.all(Array.from({ length: AT_ONCE }, () => OpenSocket.open(server.url, clientId)))),
      )
    const after = await settled(server)
    const talking = sockets.slice(0, readers)
    const conversations: string[] = []
    for (const each of talking) conversations.push(await each.converse())
    const posts = conversations.map((conversationId) =>
      rawRequest('POST', '/api/v1/messages', client.headers, { conversationId, payload: PAYLOAD }),
    )
    const times = await postAndHear(server.url, plan.quick ? 3 : 20, talking, posts)
    const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)]
    const resident = after.residentBytes - before.residentBytes
    const note = `${(resident / idle / 1000).toFixed(1)} kB each; ${((after.heapBytes - before.heapBytes) / idle / 1000).toFixed(1)} kB of it on the heap`
    const target = plan.quick ? {} : { target: { below: 300 } }
    return [
      { name: `${idle} idle sockets, memory`, value: resident / MEGABYTE, unit: 'MB', note, ...target },
      {
        ...{ name: 'post to socket, p50', value: p50, unit: 'ms', target: { below: 5 } },
        note: `${PER_SECOND}/s to ${readers} sockets, of ${idle}`,
      },
      { name: 'post to socket, p99', value: p99, unit: 'ms', target: { below: 50 } },
    ]
  } finally {
    for (const each of sockets) each.close()
  }
}

/** Asked twice, since what a first collection frees may hold what a second one can. */
async function settled(server: Server) {
  await server.memory()
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  return server.memory()
}

/** Posts in turn, at a steady pace. Answers how long each message took to its socket, in order of length. */
async function postAndHear(
  url: string,
  seconds: number,
  sockets: readonly OpenSocket[],
  posts: readonly Buffer[],
): Promise<Float64Array> {
  const answered: Promise<unknown>[] = []
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.open(url)))
  const begin = performance.now()
  const heard: Promise<number>[] = []
  for (let i = 0; i < seconds * PER_SECOND; i += 1) {
    const wait = begin + (i * 1000) / PER_SECOND - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    const reader = sockets[i % sockets.length] as OpenSocket
    const sentAt = performance.now()
    heard.push(reader.next().then((at) => at - sentAt))
    const connection = connections[i % CONNECTIONS] as Connection
    await answered[i % CONNECTIONS]
    answered[i % CONNECTIONS] = new Promise((resolve) =>
      connection.exchange(posts[i % posts.length] as Buffer, resolve),
    )
  }
  const times = await Promise.all(heard)
  for (const connection of connections) connection.close()
  // Code is compiled in the first second.
  return sorted(times.slice(PER_SECOND))
}

/** A socket of a new user, as the least that speaks the protocol. */
class OpenSocket {
  readonly #socket: WebSocket
  readonly #waiting: ((at: number) => void)[] = []
  #answer: ((text: string) => void) | undefined

  private constructor(socket: WebSocket) {
    this.#socket = socket
  }

  static open(url: string, clientId: string): Promise<OpenSocket> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
    const made = new OpenSocket(socket)
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.on('message', (data) => {
        const text = String(data)
        if (text.startsWith('0')) socket.send(`40${JSON.stringify({ clientId })}`)
        else if (text === '2') socket.send('3')
        else if (text.startsWith('44')) reject(new Error(text))
        else if (text.startsWith('42["login"')) resolve(made)
        else if (text.startsWith('42["message",{"request"')) made.#answer?.(text)
        else if (text.includes('"message.new"')) made.#waiting.shift()?.(performance.now())
      })
    })
  }

  /** Creates a conversation, and answers its id. */
  async converse(): Promise<string> {
    const answered = new Promise<string>((resolve) => {
      this.#answer = resolve
    })
    this.#socket.send('42["message",{"request":"a","type":"conversations.create","data":{}}]')
    const [, id] = /"data":\{"id":"([^"]+)"/.exec(await answered) ?? []
    if (id === undefined) throw new Error(`no conversation: ${await answered}`)
    return id
  }

  /** When the next message is there. */
  next(): Promise<number> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  close(): void {
    this.#socket.terminate()
  }
}
