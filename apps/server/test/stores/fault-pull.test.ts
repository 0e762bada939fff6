import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { clientOf, createClient, type TestClient } from '../support/api.js'
import { converseMany, forAll, listAll, seeded } from '../support/fault-load.js'
import { newDatabase } from '../support/replicas.js'
import {
  cleanUp,
  isOnMongodb,
  isSoak,
  SHORT_LEASE,
  startProcess,
  startServer,
  type TestServer,
  type TestServerProcess,
} from '../support/server.js'

const CONVERSATIONS = isSoak ? 40 : 6
const READERS = isSoak ? 8 : 4
const INTERRUPTIONS = isSoak ? 10_000 : 20
const KILLS = isSoak ? 40 : 1
const POSTERS = 4
const TIMEOUT_MS = isSoak ? 3_600_000 : 180_000
/** One in so many requests of a reader is interrupted. */
const INTERRUPTED = 0.4

/** Repeat a run with `FAULT_SEED=…`. */
const seed = Number(process.env.FAULT_SEED ?? randomInt(2 ** 32))
const said = `seed ${seed}`
const random = seeded(seed)
const isBelow = (share: number): boolean => random() < share
const among = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T

afterAll(cleanUp)

interface PulledEvent {
  position: string
  id: string
  conversationId?: string
  type: string
  data: { message: { id: string } }
}

/** Replicas of which one is down at times, and a client of each of them. */
class Servers {
  readonly #servers: (TestServer | TestServerProcess)[]
  readonly #known: Pick<TestClient, 'id' | 'token' | 'webhooks'>
  #isUp = Promise.resolve()

  constructor(
    servers: readonly (TestServer | TestServerProcess)[],
    known: Pick<TestClient, 'id' | 'token' | 'webhooks'>,
  ) {
    this.#servers = [...servers]
    this.#known = known
  }

  /** A client of any of them, once it is up. */
  async client(): Promise<TestClient> {
    if (this.#servers.length === 1) await this.#isUp
    return clientOf(among(this.#servers), this.#known)
  }

  /** Crashes one that is a process. The last time, it need not be one again. */
  async kill({ isLast }: { isLast: boolean }): Promise<void> {
    const victim = among(this.#servers.filter((server) => 'kill' in server))
    let up = (): void => undefined
    this.#isUp = new Promise<void>((resolve) => {
      up = resolve
    })
    await victim.kill()
    await sleep(random() * 50)
    const again = isLast ? await victim.restart() : await victim.relaunch()
    this.#servers[this.#servers.indexOf(victim)] = again
    up()
  }
}

/** One on a file, two on one database in MongoDB, of which one is to crash; in the long form any of them. */
async function startAll(): Promise<[TestServerProcess, ...TestServer[]]> {
  if (!isOnMongodb) return [await startProcess({ env: SHORT_LEASE })]
  const env = { ...newDatabase(inject('mongodbUrl') ?? ''), ...SHORT_LEASE }
  return [await startProcess({ env }), await (isSoak ? startProcess : startServer)({ env })]
}

/** What readers saw, and what they acknowledged. */
class Readings {
  /** Messages by conversation, in the order in which somebody saw them first. */
  readonly seen = new Map<string, string[]>()
  readonly faults: string[] = []
  interruptions = 0
  isCalm = false
  /** When the acknowledgement was answered. */
  readonly #acknowledged = new Map<string, number>()
  readonly #ids = new Set<string>()
  readonly #servers: Servers

  constructor(servers: Servers) {
    this.#servers = servers
  }

  /** Takes events, and does with them what a reader may do. */
  async read(): Promise<void> {
    const askedAt = performance.now()
    const events = await this.#take()
    for (const event of events) {
      const at = this.#acknowledged.get(event.id)
      if (at !== undefined && at < askedAt) this.faults.push(`${event.id} was acknowledged and came again`)
      this.#see(event)
    }
    if (events.length > 0) await this.#finish(events)
  }

  #see({ id, type, conversationId, data }: PulledEvent): void {
    if (this.#ids.has(id) || type !== 'message.new' || !conversationId) return
    this.#ids.add(id)
    const seen = this.seen.get(conversationId) ?? []
    this.seen.set(conversationId, seen)
    seen.push(data.message.id)
  }

  async #take(): Promise<PulledEvent[]> {
    const { headers, ...client } = await this.#servers.client()
    const path = `/pull?wait=1&lease=1&limit=${1 + Math.floor(random() * 30)}`
    if (this.#isInterrupted(0.25)) {
      // The connection is cut, before or after the answer is on its way.
      await client.call('GET', path, undefined, { ...headers, connection: 'close' }).then(
        () => undefined,
        () => undefined,
      )
      return []
    }
    const answer = await client.call('GET', path).catch(() => undefined)
    if (answer === undefined || answer.status === 503) return []
    if (answer.status === 200) return answer.json.events
    this.faults.push(`${answer.status} ${answer.text}`)
    return []
  }

  async #finish(events: readonly PulledEvent[]): Promise<void> {
    // The reader dies.
    if (this.#isInterrupted(0.3)) return
    // It gives everything back, or acknowledges some.
    if (this.#isInterrupted(0.2)) return this.#send('nack', events)
    const done = this.#isInterrupted(0.3) ? events.slice(0, Math.ceil(random() * events.length)) : events
    await this.#send('ack', done)
    // The answer is lost, so it acknowledges again.
    if (this.#isInterrupted(0.2)) await this.#send('ack', done)
  }

  async #send(action: 'ack' | 'nack', events: readonly PulledEvent[]): Promise<void> {
    const client = await this.#servers.client()
    const positions = events.map(({ position }) => position)
    const answer = await client.call('POST', `/pull/${action}`, { positions }).catch(() => undefined)
    if (action === 'nack' || answer?.status !== 200) return
    const refused = new Set<string>(answer.json.refused)
    for (const { id, position } of events)
      if (!refused.has(position)) this.#acknowledged.set(id, performance.now())
  }

  #isInterrupted(share: number): boolean {
    if (this.isCalm || !isBelow(INTERRUPTED * share)) return false
    this.interruptions += 1
    return true
  }
}

describe('readers of a pull webhook', () => {
  test(
    'see each conversation as it is, whatever interrupts them and the server',
    async () => {
      const all = await startAll()
      const client = await createClient(all[0], { webhooks: [{ mode: 'pull' }] })
      const conversations = await converseMany(client, CONVERSATIONS)
      const servers = new Servers(all, client)
      const readings = new Readings(servers)
      const accepted = new Set<string>()
      let isOver = false

      const post = async (): Promise<void> => {
        while (!isOver) {
          const to = await servers.client()
          const answer = await to.say(among(conversations), 'hello').catch(() => undefined)
          if (answer?.status === 201) accepted.add(answer.json.id)
          await sleep(isSoak ? 20 : 100)
        }
      }
      const isComplete = () => {
        const seen = new Set([...readings.seen.values()].flat())
        return isOver && [...accepted].every((id) => seen.has(id))
      }
      const read = async (): Promise<void> => {
        while (!isComplete()) await readings.read()
      }
      const interrupt = async (): Promise<void> => {
        for (let kills = 1; kills <= KILLS; kills += 1) {
          const until = (kills * INTERRUPTIONS) / (KILLS + 1)
          while (readings.interruptions < until) await sleep(5)
          await servers.kill({ isLast: kills === KILLS })
        }
        while (readings.interruptions < INTERRUPTIONS) await sleep(5)
        readings.isCalm = true
        isOver = true
      }
      await Promise.all([
        interrupt(),
        ...Array.from({ length: POSTERS }, post),
        ...Array.from({ length: READERS }, read),
      ])

      expect(readings.faults, said).toEqual([])
      expect(accepted.size, said).toBeGreaterThan(10)
      const now = await servers.client()
      await forAll(conversations, async (id) => {
        const listed = (await listAll(now, id)).map((message) => message.id)
        // What was stored without an answer may still be on its way.
        const seen = readings.seen.get(id) ?? []
        expect(seen, said).toEqual(listed.slice(0, seen.length))
        expect(
          listed.slice(seen.length).filter((left) => accepted.has(left)),
          said,
        ).toEqual([])
      })
      expect((await now.call('GET', '/dead-letters')).json.deadLetters, said).toEqual([])
    },
    TIMEOUT_MS,
  )
})
