import { generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto'
import {
  type ChannelRuntime,
  type DeliveryContext,
  degrade,
  type Failure,
  type Heard,
  type HostWebSocket,
  type Json,
  type JsonObject,
  type OutboundContent,
  type Part,
  silentLogger,
} from '@plugboard/core'
import { memoryState } from '@plugboard/core/testing'
import { WebSocket } from 'ws'
import type { Session } from '../src/api.js'
import type { Config } from '../src/config.js'
import { discord } from '../src/index.js'
import { type FakeDiscord, fakeDiscord } from './fake-discord.js'

/** An app with a key pair of its own. */
export function newApp(
  applicationId: string,
  botToken: string,
): { config: Config & { publicKey: string }; key: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  return {
    config: { applicationId, publicKey: raw.toString('hex'), botToken },
    key: privateKey,
  }
}

const own = newApp('1198765432109876543', 'MTE5ODc2NTQzMjEwOTg3NjU0Mw.Gabcde.first-token-of-a-bot-0123456789')
const foreign = newApp(
  '1187654321098765432',
  'MTE4NzY1NDMyMTA5ODc2NTQzMg.Gfghij.other-token-of-a-bot-9876543210',
)

export const config: Config = own.config
/** Of another client. */
export const stranger: Config = foreign.config
const keys = new Map<string, KeyObject>(
  [own, foreign].map(({ config: { publicKey }, key }) => [publicKey, key]),
)

/** The headers with which Discord signs a body. */
export function signatureOf(
  body: Uint8Array | string,
  { publicKey = '' }: Config,
  at: Date,
): Record<string, string> {
  const key = keys.get(publicKey)
  if (!key) throw new Error('no private key for this public key')
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const signature = signBytes(null, Buffer.concat([Buffer.from(timestamp), Buffer.from(body)]), key)
  return { 'x-signature-ed25519': signature.toString('hex'), 'x-signature-timestamp': timestamp }
}

/** Makes the key pair of an app known, so that its requests can be signed. */
export function addKey(publicKey: string, key: KeyObject): void {
  keys.set(publicKey, key)
}

interface Changes {
  sender?: string
  thread?: string
  config?: Config
  signal?: AbortSignal
  deliveryId?: string
  context?: { value: JsonObject; at: Date }
}

export interface Stage {
  fake: FakeDiscord
  runtime: ChannelRuntime<Config, Session>
  context(changes?: Changes): DeliveryContext<Config, Session>
  /** Listens, with what the host would give. */
  listen(changes?: { config?: Config; cursor?: Json }): Listening
  /** Delivers all that a bot posted becomes, in order, and answers with the ids. */
  post(payload: JsonObject, changes?: Changes): Promise<string[]>
  /** What the failure of a call means. */
  failure(call: () => Promise<unknown>): Promise<Failure>
  close(): Promise<void>
}

/** A channel that listens. */
export interface Listening {
  next(): Promise<Heard>
  /** The next value with events. */
  heard(): Promise<Heard>
  /** How often it said that it is connected. */
  connections(): number
  stop(): Promise<void>
}

export async function load(
  apiUrl: string,
  hostFetch = fetch,
  options: { maxInvalidRequests?: number } = {},
): Promise<ChannelRuntime<Config, Session>> {
  const { maxInvalidRequests = 5000 } = options
  return discord.load({ options: { apiUrl, maxInvalidRequests }, logger: silentLogger, fetch: hostFetch })
}

/** Parts of what a bot posted, as the host makes and stores them. */
function partsOf(runtime: ChannelRuntime<Config, Session>, payload: JsonObject): Part[] {
  const contents: OutboundContent[] = degrade(payload, discord.capabilities)?.contents ?? []
  const endpoint = { identity: '*', sender: '501', thread: '601' }
  return contents.flatMap((each) => JSON.parse(JSON.stringify(runtime.render(each, endpoint))) as Part[])
}

/** The channel with a fake Discord that knows only these two apps. */
export async function stage(
  options: {
    fetch?: typeof globalThis.fetch
    heartbeatMs?: number
    maxConcurrency?: number
    maxInvalidRequests?: number
  } = {},
): Promise<Stage> {
  const apps = Object.fromEntries(
    [own.config, foreign.config].map(({ botToken, applicationId, publicKey }) => [
      botToken,
      { applicationId, publicKey, url: null },
    ]),
  )
  const { heartbeatMs, maxConcurrency } = options
  const fake = await fakeDiscord({
    apps,
    ...(heartbeatMs !== undefined && { heartbeatMs }),
    ...(maxConcurrency !== undefined && { maxConcurrency }),
  })
  const runtime = await load(fake.apiUrl, options.fetch, options)
  const sessions = new Map<Config, Session>()
  const sessionOf = (own: Config): Session => {
    const known = sessions.get(own) ?? runtime.connect(own)
    sessions.set(own, known)
    return known
  }
  let deliveries = 0
  const self: Stage = {
    fake,
    runtime,
    context({ sender = '501', thread = '601', config: own = config, signal, deliveryId, context } = {}) {
      deliveries += 1
      return {
        endpoint: { identity: '*', sender, thread },
        integration: {
          clientId: 'acme',
          id: 'integration-1',
          name: 'main',
          config: own,
          session: sessionOf(own),
        },
        state: memoryState(),
        webhookUrl: 'https://hub.example/webhooks/v1/acme/discord',
        deliveryId: deliveryId ?? `delivery-${deliveries}`,
        signal: signal ?? AbortSignal.timeout(10_000),
        ...(context && { context }),
      }
    },
    listen({ config: own = config, cursor } = {}) {
      const controller = new AbortController()
      let connections = 0
      const values = runtime
        .listen?.({
          ...self.context({ config: own, signal: controller.signal }),
          ...(cursor !== undefined && { cursor: JSON.parse(JSON.stringify(cursor)) as Json }),
          connected: () => {
            connections += 1
          },
          fetch,
          webSocket: openSocket,
        })
        [Symbol.asyncIterator]()
      if (!values) throw new Error('the channel does not listen')
      const next = async (): Promise<Heard> => {
        const { done, value } = await values.next()
        if (done) throw new Error('it ended')
        return value
      }
      return {
        next,
        async heard() {
          for (;;) {
            const heard = await next()
            if (heard.events.length > 0) return heard
          }
        },
        connections: () => connections,
        async stop() {
          controller.abort()
          await values.return?.()
        },
      }
    },
    async post(payload, changes = {}) {
      const ids: string[] = []
      for (const part of partsOf(runtime, payload))
        ids.push(...(await runtime.deliver(part, self.context(changes))).providerMessageIds)
      return ids
    },
    failure: (call) =>
      call().then(
        () => {
          throw new Error('it went well')
        },
        (error: unknown) => runtime.classify(error),
      ),
    close: () => fake.close(),
  }
  return self
}

/** Opens a socket, as the host does. */
export function openSocket(url: string): HostWebSocket {
  const socket = new WebSocket(url)
  // It throws what nobody listens for.
  socket.on('error', () => undefined)
  return socket as unknown as HostWebSocket
}
