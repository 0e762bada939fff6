import { randomUUID, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { json } from 'node:stream/consumers'
import type { People, Person } from './people.js'
import { type Smartify, SmartifyError } from './smartify.js'

/** A message from or to the other network. `id` stays the same for retries. */
export interface NetworkMessage {
  id: string
  address: string
  text: string
  /** How the person is called, of messages that come from the network. */
  name?: string
}

export interface BridgeOptions {
  smartify: Smartify
  people: People
  /** Delivers to the other network. Rejects when it could not. */
  deliver(message: NetworkMessage): Promise<void>
  port: number
  /** Where Smartify reaches this bridge. */
  publicUrl: string
}

/** A webhook event of Smartify. */
interface Event {
  payload: {
    _id: string
    sender: string
    recipient: string
    text: string
    request_id?: string
  }
}

const EVENTS = ['message.create', 'request.close'] as const
type EventName = (typeof EVENTS)[number]

/**
 * Carries messages both ways and stores none: a sender gets a success when the other side has the message, and
 * not before, so that what is under way when the bridge ends is sent again. Both ways a repetition has the same id.
 */
export async function startBridge(options: BridgeOptions): Promise<Server> {
  const { smartify, people, deliver, port, publicUrl } = options
  const secrets = new Map<EventName, string>()
  const inTurn = turns()

  /** A message from the network. */
  async function fromNetwork({ id, address, text, name = address }: NetworkMessage): Promise<void> {
    const person = people.find(address) ?? (await signIn({ address, userIds: [] }, name))
    try {
      await smartify.say(person, { id, text })
    } catch (error) {
      const isOver = error instanceof SmartifyError && error.status === 401
      if (!isOver) throw error
      // The token's time is over: somebody else to Smartify, in the same request.
      await smartify.say(await signIn(person, name), { id, text })
    }
  }

  async function signIn(
    known: Pick<Person, 'address' | 'userIds'> & { requestId?: string },
    name: string,
  ): Promise<Person> {
    const { userId, token } = await smartify.signIn(name)
    const { address, userIds, requestId = newRequestId() } = known
    return people.save({ address, userIds: [...userIds, userId], token, requestId })
  }

  /** A message, or the end of a request, from Smartify. */
  async function fromSmartify(name: EventName, { payload }: Event): Promise<void> {
    const requestId = name === 'message.create' ? payload.recipient : (payload.request_id ?? '')
    const person = people.ofRequest(requestId)
    if (!person) return
    if (name === 'request.close') {
      if (person.requestId === requestId) await people.save({ ...person, requestId: newRequestId() })
    } else if (!person.userIds.includes(payload.sender)) {
      await deliver({ id: payload._id, address: person.address, text: payload.text })
    }
  }

  async function answer(request: IncomingMessage): Promise<number> {
    const { method, url = '', headers } = request
    const name = EVENTS.find((event) => url === `/events/${event}`)
    if (method !== 'POST' || (!name && url !== '/incoming')) return 404
    if (name && !isSame(headers['x-hook-secret'], secrets.get(name))) return 401
    const body = await json(request)
    if (name) await fromSmartify(name, body as Event)
    else {
      const message = body as NetworkMessage
      await inTurn(message.address, () => fromNetwork(message))
    }
    return 200
  }

  // Before anything can come in: an event that is answered 401 is not told again.
  for (const event of EVENTS)
    secrets.set(event, await smartify.subscribe(event, `${publicUrl}/events/${event}`))

  const server = createServer((request, response) => {
    answer(request)
      .catch((error: unknown) => {
        console.error('not done, and to be told again:', error instanceof Error ? error.message : error)
        return 503
      })
      .then((status) => response.writeHead(status).end())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return server
}

const newRequestId = (): string => `support-group-${randomUUID()}`

/** What is of one person happens one after the other: the first message makes the person known. */
function turns(): (key: string, action: () => Promise<void>) => Promise<void> {
  const last = new Map<string, Promise<void>>()
  return (key, action) => {
    const turn = (last.get(key) ?? Promise.resolve()).then(action)
    const settled = turn.catch(() => undefined)
    last.set(key, settled)
    void settled.then(() => {
      if (last.get(key) === settled) last.delete(key)
    })
    return turn
  }
}

function isSame(given: unknown, secret: string | undefined): boolean {
  if (typeof given !== 'string' || secret === undefined) return false
  const [a, b] = [Buffer.from(given), Buffer.from(secret)]
  return a.length === b.length && timingSafeEqual(a, b)
}
