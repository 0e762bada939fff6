import type { Id } from '@plugboard/core'
import { Accounts } from './accounts.js'
import { Answers } from './answers.js'
import { Attachments } from './attachments.js'
import { ButtonTokens } from './button-tokens.js'
import { Channels } from './channels.js'
import { Clients } from './clients.js'
import { Collect } from './collect.js'
import { Conversations } from './conversations.js'
import { Deliveries } from './deliveries.js'
import { channelDelivery } from './delivery/channel-delivery.js'
import { Dispatcher } from './delivery/dispatcher.js'
import { RateLimiter } from './delivery/rate-limiter.js'
import type { RetrySchedule } from './delivery/retry.js'
import { Router } from './delivery/router.js'
import { SerialTransport } from './delivery/serial-transport.js'
import { type ClientView, Directory } from './directory.js'
import { Endpoints } from './endpoints.js'
import { clientFacts, conversationFacts, integrationFacts, userFacts } from './facts.js'
import type { Look } from './format.js'
import { Handover } from './handover.js'
import { Health } from './health.js'
import { Housekeeping } from './housekeeping.js'
import type { HubOptions } from './hub-options.js'
import { Idempotency } from './idempotency.js'
import { Ingest } from './ingest.js'
import { IntegrationMonitor } from './integration-monitor.js'
import { Integrations } from './integrations.js'
import { lookFor } from './look.js'
import { MediaLinks } from './media-links.js'
import { Messages } from './messages.js'
import { Owing } from './owing.js'
import { Participants } from './participants.js'
import { pauseIntegration } from './pause.js'
import { Preload } from './preload.js'
import { Presence } from './presence.js'
import { ProviderAccounts } from './provisioning/accounts.js'
import { probe } from './provisioning/probe.js'
import { type IntegrationAddress, type IntegrationItem, Provisioning } from './provisioning/provisioning.js'
import { Sync } from './sync.js'
import { Usage } from './usage.js'
import { Users } from './users.js'
import { Webhooks } from './webhooks.js'
/** The use cases: the only door for dialects. Nothing goes out before `start`. */
export interface Hub {
  readonly clients: Clients
  readonly accounts: Accounts
  readonly integrations: Integrations
  readonly sync: Sync
  readonly webhooks: Webhooks
  readonly users: Users
  readonly conversations: Conversations
  readonly participants: Participants
  readonly presence: Presence
  readonly messages: Messages
  readonly collect: Collect
  readonly endpoints: Endpoints
  readonly ingest: Ingest
  readonly deliveries: Deliveries
  readonly health: Health
  readonly idempotency: Idempotency
  readonly channels: Channels
  readonly media: MediaLinks
  readonly attachments: Attachments
  /** Looks up what there may be of a client's, as webhook formats do. */
  look(client: ClientView): Look
  /** Whether deliveries are being made. */
  readonly isDelivering: boolean
  start(): void
  /** Ends waiting collects, lets what is under way end within the grace period, gives the rest back to the store. */
  stop(graceMs: number): Promise<void>
}

/** Of what is kept in memory, so many users and conversations come to one client. Room costs time at the start. */
const STREAMS_PER_CLIENT = 4

/** Where the store tells what others change, looking by itself is for what may be lost on the way, and so rare. */
const SELDOM = 15

const LISTEN_AGAIN_MS = 5_000

/** Tells the monitor and the client's webhooks what becomes of deliveries. */
function watched(
  carry: ReturnType<typeof channelDelivery>,
  monitor: IntegrationMonitor,
  handover: () => Handover,
): ReturnType<typeof channelDelivery> {
  return async (address, item, ...how) => {
    const outcome = await carry(address, item, ...how)
    if (outcome === undefined) {
      monitor.delivered(address.integration.id)
      await handover().done(address, item)
    } else if (outcome !== 'withdrawn') monitor.failed(address.integration.id, outcome)
    return outcome
  }
}

const DAY_MS = 24 * 60 * 60 * 1000

/** A schedule whose last wait is repeated until a day is full. */
function untilItIsDone({ delaysMs }: RetrySchedule): RetrySchedule {
  const last = Math.max(delaysMs.at(-1) ?? DAY_MS, 1000)
  const sum = delaysMs.reduce((total, delay) => total + delay, 0)
  const more = Math.max(0, Math.ceil((DAY_MS - sum) / last))
  return { delaysMs: [...delaysMs, ...Array<number>(more).fill(last)] }
}

/** Wires the use cases together. */
export function createHub(options: HubOptions): Hub {
  const { store, blobs, keyring, settings, sender, urls, log, observer, now = () => new Date() } = options
  const { cacheSize, delivers = true } = settings
  const formats = new Map(options.formats.map((format) => [format.name, format]))
  const channels = new Channels({
    ...options,
    maxSessions: cacheSize,
    loaded: (name) => preload.used(name),
  })
  const preload = new Preload({ store, channels, log })
  const directory = new Directory({
    store,
    keyring,
    maxClients: Math.ceil(cacheSize / STREAMS_PER_CLIENT),
    maxAgeMs: settings.cacheAgeMs,
    changed: (clientId) => dispatcher.clientChanged(clientId),
  })
  const tokens = new ButtonTokens(keyring)
  const carry = channelDelivery({
    ...{ channels, tokens, log, timeoutMs: settings.channelTimeoutMs },
    limiter: new RateLimiter(),
  })
  const monitor = new IntegrationMonitor({ store, log, now })
  const channelTransport = new SerialTransport(watched(carry, monitor, () => handover))
  const provisionTransport = new SerialTransport<IntegrationAddress, IntegrationItem>((...what) =>
    provisioning.carry(...what),
  )
  const router = new Router({
    directory,
    channels,
    formats,
    sender,
    channelTransport,
    channelSchedule: settings.channelSchedule,
    provisionTransport,
    provisionSchedule: untilItIsDone(settings.provisionSchedule),
    urls,
    lookOf: (client) => look(client),
    log,
    now,
  })
  const dispatcher = new Dispatcher({
    store,
    limits: delivers ? settings.delivery : { ...settings.delivery, streams: 0 },
    route: (stream, target) => router.route(stream, target),
    refused: (clientId, route, reason) => pause(clientId, route, reason),
    gaveUp: (...what) => handover.gaveUp(...what),
    observer,
    log,
    now,
  })
  const usage = new Usage({ store, maxBytes: settings.clientMaxBytes ?? 0, maxCached: cacheSize, log })
  const attachments = new Attachments({
    ...{ store, blobs, keyring, urls, usage },
    maxBytes: settings.attachmentMaxBytes,
  })
  const look = (client: ClientView) => lookFor(client, { store, users, conversations, accounts })
  const owing = new Owing(formats)
  const shared = { store, owing, dispatcher, usage, now }
  const health = new Health({ ...shared, channels, monitor, urls })
  const pause = pauseIntegration({ directory, health, log })
  const providerAccounts = new ProviderAccounts({ store, directory, channels, now })
  const provisioning = new Provisioning({
    ...{ directory, channels, accounts: providerAccounts, keyring, health, urls, log },
    timeoutMs: settings.channelTimeoutMs,
  })
  const measure = (clientId: Id, bytes: number) => usage.add(clientId, bytes)
  const facts = { users: userFacts(store, measure), conversations: conversationFacts(store, measure) }
  const cached = { maxCached: cacheSize, maxAgeMs: settings.cacheAgeMs }
  const accounts = new Accounts({ store, keyring, now, ...cached })
  const clients = new Clients({ store, facts: clientFacts(store), directory, accounts, attachments, now })
  const users = new Users({ ...shared, ...cached, keyring, facts: facts.users })
  const conversations = new Conversations({
    ...{ ...shared, ...cached, users, attachments },
    facts: facts.conversations,
  })
  const handover = new Handover({ directory, conversations, log })
  const participants = new Participants({
    ...{ store, users, conversations, now },
    ...{ userFacts: facts.users, conversationFacts: facts.conversations, maxCached: cacheSize },
  })
  const presence = new Presence({
    ...{ channels, conversations, urls, log },
    timeoutMs: settings.channelTimeoutMs,
  })
  const webhooks = new Webhooks({ store, directory, keyring, refuseTarget: options.refuseTarget, now })
  const messages = new Messages({ ...shared, users, conversations })
  const collect = new Collect({ store, messages, now, maxMs: settings.collectMaxMs })
  const endpoints = new Endpoints({ ...shared, users, conversations })
  const media = new MediaLinks({
    ...{ store, keyring, directory, channels, urls, now },
    ...{ ttlMs: settings.mediaLinkTtlMs, timeoutMs: settings.channelTimeoutMs },
  })
  const ingest = new Ingest({
    ...{ store, channels, endpoints, conversations, messages, dispatcher },
    ...{ answers: new Answers({ store, tokens }), media, monitor },
  })
  const deliveries = new Deliveries({ ...shared, messages })
  const idempotency = new Idempotency({ store, now })
  const sync = new Sync({
    ...{ directory, channels, keyring, health, accounts: providerAccounts },
    refuseTarget: options.refuseTarget,
    probe: (...of) => probe({ channels, urls, timeoutMs: settings.probeTimeoutMs }, ...of),
  })
  const integrations = new Integrations({ facts: integrationFacts(store), sync, webhooks, accounts })
  const housekeeping = new Housekeeping({ store, blobs, clients, idempotency, log })

  function keepListening(): void {
    listenToOthers().catch((err) => {
      if (dispatcher.isStopping) return
      log.error({ err }, 'cannot be told what other processes change; trying again')
      setTimeout(keepListening, LISTEN_AGAIN_MS).unref()
    })
  }

  /** Until the store has said that it tells, and where it does not, everything here looks by itself. */
  async function listenToOthers(): Promise<void> {
    collect.isTold = false
    const { isInstant, reason } = await store.watch({
      due: (at) => dispatcher.due(at),
      clientChanged(clientId) {
        directory.forget(clientId)
        dispatcher.clientChangedElsewhere(clientId)
      },
      turnEnded: (messageId) => collect.turnEnded(messageId),
      missed() {
        directory.forget()
        collect.look()
        dispatcher.due(now())
      },
    })
    if (!isInstant) {
      if (reason !== undefined) log.warn({ reason }, 'the database does not report changes; polling for them')
      return
    }
    collect.isTold = true
    directory.maxAgeMs = SELDOM * settings.cacheAgeMs
    dispatcher.pollMs = SELDOM * settings.delivery.pollMs
  }

  return {
    clients,
    accounts,
    integrations,
    sync,
    webhooks,
    users,
    conversations,
    participants,
    presence,
    messages,
    collect,
    endpoints,
    ingest,
    deliveries,
    health,
    idempotency,
    channels,
    media,
    attachments,
    look,
    get isDelivering() {
      return dispatcher.isRunning
    },
    start() {
      sender.start(dispatcher.listener)
      router.start(dispatcher.listener)
      channelTransport.start(dispatcher.listener)
      provisionTransport.start(dispatcher.listener)
      dispatcher.start()
      if (delivers) housekeeping.start()
      monitor.start()
      preload.start()
      keepListening()
    },
    async stop(graceMs) {
      const deadline = Date.now() + graceMs
      const left = (): number => Math.max(0, deadline - Date.now())
      collect.close()
      presence.close()
      preload.stop()
      await housekeeping.stop()
      await dispatcher.stop(left())
      router.close()
      await Promise.all([
        sender.close(left()),
        channelTransport.close(left()),
        provisionTransport.close(left()),
      ])
      await monitor.stop()
      await usage.flush()
      channels.close()
    },
  }
}
