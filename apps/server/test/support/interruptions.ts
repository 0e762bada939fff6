import { setTimeout as sleep } from 'node:timers/promises'
import { createClient as createPlugboard, type EventsOptions, userEvents } from '@plugboard/client'
import { expect, vi } from 'vitest'
import { call, type TestClient } from './api.js'
import { listAll } from './fault-load.js'
import { isSoak } from './server.js'
import type { Way } from './way.js'

/** Messages per second, each for several readers. */
const RATE = isSoak ? 200 : 100
/** Minimum messages per conversation. */
const FEWEST = 12

export interface Interrupted {
  client: TestClient
  /** What readers go through. */
  way: Way
  /** Where messages are posted. */
  urlOf(): string
  /** How often a reader, or all of them, are interrupted while messages are posted. */
  interruptions: number
  /** Something that happens to a server, at even distances. */
  disasters: readonly (() => Promise<unknown>)[]
  random(): number
}

type Follow = (options: EventsOptions) => ReturnType<typeof userEvents>

/** One who reads all the time, and begins again where it was whenever it is interrupted. */
class Reader {
  readonly name: string
  readonly #events: Follow
  readonly seen: { conversationId: string; text: string }[] = []
  #position: string | undefined
  #abort = new AbortController()
  #run: Promise<void> = Promise.resolve()

  constructor(name: string, position: string, events: Follow) {
    this.name = name
    this.#position = position
    this.#events = events
    this.#start()
  }

  #start(): void {
    this.#abort = new AbortController()
    this.#run = this.#read(this.#abort.signal)
  }

  async #read(signal: AbortSignal): Promise<void> {
    try {
      for await (const event of this.#events({ after: this.#position, signal })) {
        if (event.position !== undefined) this.#position = event.position
        if (event.type !== 'message.new') continue
        const { conversationId, message } = event.data
        this.seen.push({ conversationId, text: `${'text' in message.payload ? message.payload.text : ''}` })
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  async end(): Promise<void> {
    this.#abort.abort()
    await this.#run
  }

  async interrupt(): Promise<void> {
    await this.end()
    this.#start()
  }

  textsOf(conversationId: string): string[] {
    return this.seen.flatMap((each) => (each.conversationId === conversationId ? [each.text] : []))
  }
}

/**
 * Posts messages while readers of all kinds are interrupted in all ways, and expects that each reader ends with exactly
 * the log.
 */
export async function expectExactly({
  client,
  way,
  urlOf,
  interruptions,
  disasters,
  random,
}: Interrupted): Promise<void> {
  const own = await client.converse()
  const others = [await client.converse(), await client.converse()]
  const talks = [own, ...others]
  const { token } = (await client.call('POST', '/users/tokens', { userId: own.userId })).json
  const headers = { authorization: `Bearer ${token}` }
  const positionAt = async (path: string, as: Record<string, string>): Promise<string> =>
    (await call({ url: urlOf() }, 'GET', `/api/v1${path}?wait=0`, { headers: as })).json.position
  const whole = await positionAt('/events', client.headers)
  const ofUser = await positionAt('/users/me/events', headers)
  const plugboard = createPlugboard({
    url: way.url,
    clientId: client.id,
    clientToken: client.token,
    timeoutMs: 2_000,
  })
  const { conversationId } = own
  const asUser = { url: way.url, userToken: token, timeoutMs: 2_000 }
  const readers = [
    new Reader('conversation', '0', (options) => plugboard.events({ conversationId, ...options })),
    new Reader('conversation, polling', '0', (options) =>
      plugboard.events({ conversationId, mode: 'poll', ...options }),
    ),
    new Reader('conversation of the user', '0', (options) =>
      userEvents({ ...asUser, conversationId, ...options }),
    ),
    new Reader('user', ofUser, (options) => userEvents({ ...asUser, ...options })),
    new Reader('client', whole, (options) => plugboard.events(options)),
    new Reader('client, polling', whole, (options) => plugboard.events({ mode: 'poll', ...options })),
  ]
  let isOver = false
  const posting = postEvenly(
    client,
    urlOf,
    talks.map((talk) => talk.conversationId),
    () => isOver,
  )
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  for (let n = 1; n <= interruptions; n += 1) {
    const kind = random()
    if (kind < 0.5) await pick(readers).interrupt()
    else if (kind < 0.8) way.cut()
    else way.hold(100)
    await sleep(random() * 60)
    const disaster = disasters[Math.floor((n * disasters.length) / interruptions) - 1]
    const before = disasters[Math.floor(((n - 1) * disasters.length) / interruptions) - 1]
    if (disaster && disaster !== before) await disaster()
  }
  isOver = true
  const posted = await posting
  for (const talk of talks) {
    // After a crash, a list ends for up to two seconds before a number that was reserved and never used.
    const log = await vi.waitFor(
      async () => {
        const texts = (await listAll(client, talk.conversationId)).map(({ payload }) => payload.text)
        expect([...texts].sort()).toEqual(posted.get(talk.conversationId)?.sort())
        return texts
      },
      { timeout: 45_000, interval: 100 },
    )
    expect(log.length).toBeGreaterThanOrEqual(FEWEST)
    const isOwn = talk === own
    for (const reader of readers.filter(({ name }) => isOwn || name.startsWith('client')))
      await vi.waitFor(
        () => {
          const seen = reader.textsOf(talk.conversationId)
          expect([reader.name, seen.length]).toEqual([reader.name, log.length])
          expect([reader.name, seen]).toEqual([reader.name, log])
        },
        { timeout: 45_000, interval: 100 },
      )
  }
  for (const reader of readers) await reader.end()
}

/** Posts until it is over; a post that fails is repeated with its key. Returns the texts by conversation. */
async function postEvenly(
  client: TestClient,
  urlOf: () => string,
  conversationIds: readonly string[],
  isOver: () => boolean,
): Promise<ReadonlyMap<string, string[]>> {
  const start = Date.now()
  const texts = new Map(conversationIds.map((id): [string, string[]] => [id, []]))
  const underWay = new Set<Promise<void>>()
  for (let n = 0; !isOver() || n < FEWEST * conversationIds.length; n += 1) {
    const due = start + (n * 1_000) / RATE
    while (Date.now() < due || underWay.size >= 64) await sleep(2)
    const conversationId = conversationIds[n % conversationIds.length] as string
    texts.get(conversationId)?.push(`${n}`)
    const posted = post(
      client,
      urlOf,
      { conversationId, payload: { type: 'text', text: `${n}` } },
      `key-${n}`,
    )
    underWay.add(posted)
    void posted.finally(() => underWay.delete(posted))
  }
  await Promise.all(underWay)
  return texts
}

async function post(client: TestClient, urlOf: () => string, body: object, key: string): Promise<void> {
  const headers = { ...client.headers, 'content-type': 'application/json', 'idempotency-key': key }
  for (;;) {
    const init = { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(5_000) }
    const status = await fetch(`${urlOf()}/api/v1/messages`, init).then(
      (answer) => answer.text().then(() => answer.status),
      () => 0,
    )
    if (status === 201) return
    // 408: this process was too slow to send the body.
    expect([0, 408, 409, 429, 500, 502, 503]).toContain(status)
    await sleep(50)
  }
}
