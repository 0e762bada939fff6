import { type Id, type Message, PlugboardError, silentLogger } from '@plugboard/core'
import { expect, vi } from 'vitest'
import { TroubleIndex } from '../../src/administration/trouble-index.js'
import { Directory } from '../../src/clients/directory.js'
import { EventQueues } from '../../src/clients/event-queues.js'
import { QueueBell } from '../../src/delivery/to-readers/queue-bell.js'
import type { WebhookFormat } from '../../src/delivery/to-webhooks/webhook-format.js'
import type { Hub } from '../../src/hub.js'
import type { Store } from '../../src/ports/store.js'
import { PullLanes } from '../../src/pull/lane-entries.js'
import type { PulledEvent, PullRequest } from '../../src/pull/readers.js'
import { PullSweep } from '../../src/pull/unacknowledged.js'
import { memoryDatabase } from '../../src/testing/memory-store.js'
import { keyring, recordOf } from './clients.js'
import { openHub } from './hub.js'

/** How long an entry waits for a reader before it is a dead letter, in milliseconds. */
export const DEADLINE_MS = 600_000
const LEASE_MS = 20_000

/** What the body of an event says; an entry whose payload says `broken` cannot be rendered. */
const format: WebhookFormat = {
  name: 'test',
  schedule: { delaysMs: [DEADLINE_MS] },
  tells: (topic) => topic !== 'user.new',
  render({ entry, userId }) {
    if (entry.payload.includes('broken')) throw new TypeError('it is broken')
    if (entry.payload.includes('untold')) return undefined
    return JSON.stringify({ type: entry.type, seq: entry.seq, text: entry.payload, userId })
  },
  headers: () => ({}),
}

/** A process with a hub, which can be killed. */
export class Process {
  readonly hub: Hub
  /** Its store cannot be reached. */
  isCut = false
  /** How often it has looked for events. */
  looks = 0

  constructor(store: Store, now: () => Date) {
    const link = new Proxy(store, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name)
        if (typeof method !== 'function' || name === 'close') return method
        return async (...input: unknown[]): Promise<unknown> => {
          if (this.isCut) throw new PlugboardError('UNAVAILABLE', 'the store cannot be reached')
          const answer = await Reflect.apply(method, target, input)
          if (name === 'duePulls') this.looks += 1
          return answer
        }
      },
    })
    this.hub = openHub(link, [], {}, now, [format])
  }

  /** From now on, it reaches nothing. */
  async kill(): Promise<void> {
    this.isCut = true
    await this.hub.stop(0).catch(() => undefined)
  }
}

/** Replicas on one database, whose clock stands still until a test moves it. */
export class PullStage {
  ms = Date.now()
  readonly now = (): Date => new Date(this.ms)
  readonly #startedAt = this.now()
  readonly record = recordOf()
  readonly database = memoryDatabase({ now: this.now, leaseMs: LEASE_MS })
  /** The handle of the test itself. */
  readonly store = this.database.open()
  readonly #processes: Process[] = []

  static async open(...pulls: string[]): Promise<PullStage> {
    const stage = new PullStage()
    await stage.store.insertClient(stage.record)
    const { hub } = stage.process()
    await hub.sync.run(stage.record.id, 'test', { channels: [], webhooks: pulls.map((pull) => ({ pull })) })
    return stage
  }

  /** Starts another process. */
  process(): Process {
    const process = new Process(this.database.open(), this.now)
    this.#processes.push(process)
    return process
  }

  get hub(): Hub {
    const [first] = this.#processes
    if (!first) throw new Error('no process was started')
    return first.hub
  }

  /** Time passes. */
  pass(seconds: number): void {
    this.ms += seconds * 1000
  }

  async client(hub = this.hub) {
    const client = await hub.clients.find({ id: this.record.id })
    if (!client) throw new Error('there is no client')
    return client
  }

  async conversation(): Promise<Id> {
    const client = await this.client()
    const user = await this.hub.users.create(client)
    const { id } = await this.hub.conversations.create(client, { userId: user.id })
    return id
  }

  async post(conversationId: Id, text: string, hub = this.hub): Promise<Message> {
    const client = await this.client(hub)
    const payload = { type: 'text', text }
    return hub.messages.post(client, { conversationId, author: 'business', payload })
  }

  /** Says something in a conversation, and returns the id of the message once it waits for readers. */
  async say(conversationId: Id, text: string, hub = this.hub): Promise<Id> {
    const { id, seq } = await this.post(conversationId, text, hub)
    const { webhooks } = await this.client(hub)
    const lanes = webhooks.map((webhook) => ({ webhookId: webhook.id, streamId: conversationId }))
    await vi.waitFor(async () => {
      const found = await this.store.findPulls(this.record.id, lanes)
      expect(found.map(({ upTo }) => upTo >= seq)).toEqual(lanes.map(() => true))
    })
    return id
  }

  async take(request: Partial<PullRequest> & { name?: string; hub?: Hub } = {}): Promise<PulledEvent[]> {
    const { name = 'default', hub = this.hub, ...rest } = request
    const client = await this.client(hub)
    return hub.pull.take(client, hub.pull.find(client, 'test', name), {
      ...{ limit: 100, leaseMs: 30_000, waitMs: 0, signal: new AbortController().signal },
      ...rest,
    })
  }

  async acknowledge(...events: readonly PulledEvent[]): Promise<string[]> {
    return this.hub.pull.acknowledge(
      await this.client(),
      events.map(({ position }) => position),
    )
  }

  /** Housekeeping, as each process does it every minute. */
  async sweep(): Promise<void> {
    const { store, now } = this
    const dispatcher = {
      startedAt: this.#startedAt,
      gaveUp: async () => undefined,
    }
    const directory = new Directory({
      ...{ store, keyring, maxClients: 1, maxAgeMs: 0 },
      changed: async () => undefined,
    })
    await new PullSweep({
      ...{ store, directory, dispatcher, now, keepMs: DEADLINE_MS },
      queues: new EventQueues({ store, now }),
      lanes: new PullLanes({
        store,
        bell: new QueueBell(),
        dispatcher,
        reports: { died: () => undefined },
        now,
      }),
      formats: new Map([[format.name, format]]),
      unread: (target) => new TroubleIndex({ store, log: silentLogger, now }).goesOn(target),
    }).run()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map(({ hub }) => hub.stop(0).catch(() => undefined)))
  }
}

/** What an event says. */
export const textOf = ({ body }: PulledEvent): string => {
  const { type, text } = JSON.parse(body) as { type: string; text: string }
  return type === 'message' ? (JSON.parse(text) as { text: string }).text : type
}
