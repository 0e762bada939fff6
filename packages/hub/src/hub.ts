import type { Id } from '@plugboard/core'
import { Channels } from './channels/channels.js'
import { Preload } from './channels/preload.js'
import { Accounts } from './clients/accounts.js'
import { Clients } from './clients/clients.js'
import { type ClientView, Directory } from './clients/directory.js'
import { Idempotency } from './clients/idempotency.js'
import { Usage } from './clients/usage.js'
import { Webhooks } from './clients/webhooks.js'
import { Collect } from './conversations/collect.js'
import { Conversations } from './conversations/conversations.js'
import { Deliveries } from './conversations/deliveries.js'
import { DeliveryEvents } from './conversations/delivery-events.js'
import { Endpoints } from './conversations/endpoints.js'
import { lookupsFor } from './conversations/lookups.js'
import { Messages } from './conversations/messages.js'
import { Participants } from './conversations/participants.js'
import { Presence } from './conversations/presence.js'
import { Users } from './conversations/users.js'
import { ButtonTokens } from './delivery/button-tokens.js'
import { channelDelivery } from './delivery/channel-delivery.js'
import { Dispatcher } from './delivery/dispatcher.js'
import type { IntegrationAddress, IntegrationItem } from './delivery/integration-event.js'
import { RateLimiter } from './delivery/rate-limiter.js'
import { Recipients } from './delivery/recipients.js'
import type { RetrySchedule } from './delivery/retry.js'
import { SerialTransport } from './delivery/serial-transport.js'
import { TargetResolver } from './delivery/target-resolver.js'
import type { Lookups } from './delivery/webhook-format.js'
import { clientFacts, conversationFacts, integrationFacts, userFacts } from './documents/facts.js'
import { Attachments } from './files/attachments.js'
import { MediaLinks } from './files/media-links.js'
import { Housekeeping } from './housekeeping.js'
import type { HubOptions } from './hub-options.js'
import { Answers } from './inbound/answers.js'
import { Ingest } from './inbound/ingest.js'
import { AccountClaims } from './integrations/account-claims.js'
import { Health } from './integrations/health.js'
import { IntegrationMonitor } from './integrations/integration-monitor.js'
import { Integrations } from './integrations/integrations.js'
import { pauseIntegration } from './integrations/pause.js'
import { probe } from './integrations/probe.js'
import { Provisioning } from './integrations/provisioning.js'
import { Sync } from './integrations/sync.js'
/** The use cases, and the only entry point for dialects. Nothing is delivered before `start`. */
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
  /** Lookups of a client's objects, as for webhook formats. */
  lookups(client: ClientView): Lookups
  /** Whether delivery is running. */
  readonly isDelivering: boolean
  start(): void
  /** Ends waiting collects, waits for deliveries in progress within the grace period, and releases the rest to the store. */
  stop(graceMs: number): Promise<void>
}

/** Assumed streams per client when sizing caches. Larger caches take longer to allocate at the start. */
const STREAMS_PER_CLIENT = 4

/** Factor for polling intervals if the store sends change notifications: polling then only covers lost ones. */
const SELDOM = 15

const LISTEN_AGAIN_MS = 5_000

/** How long streams whose deliveries were cut off may take to be given back at the end, in milliseconds. */
const RELEASE_MS = 2_000

/** Reports the outcome of deliveries to the monitor and to the client's webhooks. */
function watched(
  carry: ReturnType<typeof channelDelivery>,
  monitor: IntegrationMonitor,
  deliveryEvents: () => DeliveryEvents,
): ReturnType<typeof channelDelivery> {
  return async (address, item, ...how) => {
    const outcome = await carry(address, item, ...how)
    if (outcome === undefined) {
      monitor.delivered(address.integration.id)
      await deliveryEvents().done(address, item)
    } else if (outcome !== 'withdrawn') monitor.failed(address.integration.id, outcome)
    return outcome
  }
}

const DAY_MS = 24 * 60 * 60 * 1000

/** Repeats the last delay of a schedule until it covers a day. */
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
  const channelTransport = new SerialTransport(watched(carry, monitor, () => deliveryEvents))
  const provisionTransport = new SerialTransport<IntegrationAddress, IntegrationItem>((...what) =>
    provisioning.carry(...what),
  )
  const targets = new TargetResolver({
    directory,
    channels,
    formats,
    sender,
    channelTransport,
    channelSchedule: settings.channelSchedule,
    provisionTransport,
    provisionSchedule: untilItIsDone(settings.provisionSchedule),
    urls,
    lookupsOf: (client) => lookups(client),
    log,
    now,
  })
  const dispatcher = new Dispatcher({
    store,
    limits: delivers ? settings.delivery : { ...settings.delivery, streams: 0 },
    resolve: (stream, target) => targets.resolve(stream, target),
    refused: (clientId, config, reason) => pause(clientId, config, reason),
    gaveUp: (...what) => deliveryEvents.gaveUp(...what),
    observer,
    log,
    now,
  })
  const usage = new Usage({ store, maxBytes: settings.clientMaxBytes ?? 0, maxCached: cacheSize, log })
  const attachments = new Attachments({
    ...{ store, blobs, keyring, urls, usage },
    maxBytes: settings.attachmentMaxBytes,
  })
  const lookups = (client: ClientView) => lookupsFor(client, { store, users, conversations, accounts })
  const recipients = new Recipients(formats)
  const shared = { store, recipients, dispatcher, usage, now }
  const health = new Health({ ...shared, channels, monitor, urls })
  const pause = pauseIntegration({ directory, health, log })
  const accountClaims = new AccountClaims({ store, directory, channels, now })
  const provisioning = new Provisioning({
    ...{ directory, channels, accounts: accountClaims, keyring, health, urls, log },
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
  const deliveryEvents = new DeliveryEvents({ directory, conversations, log })
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
    ...{ directory, channels, keyring, health, accounts: accountClaims },
    refuseTarget: options.refuseTarget,
    probe: (...of) => probe({ channels, urls, timeoutMs: settings.probeTimeoutMs }, ...of),
  })
  const integrations = new Integrations({ facts: integrationFacts(store), sync, webhooks, accounts })
  const housekeeping = new Housekeeping({ store, blobs, clients, idempotency, log })

  function keepListening(): void {
    listenToOthers().catch((err) => {
      if (dispatcher.isStopping) return
      log.error({ err }, 'cannot subscribe to changes of other processes; retrying')
      setTimeout(keepListening, LISTEN_AGAIN_MS).unref()
    })
  }

  /** Polls until the store confirms change notifications; keeps polling if it has none. */
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
      if (reason !== undefined)
        log.warn({ reason }, 'the database sends no change notifications; polling instead')
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
    lookups,
    get isDelivering() {
      return dispatcher.isRunning
    },
    start() {
      sender.start(dispatcher.listener)
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
      await Promise.all([
        sender.close(left()),
        channelTransport.close(left()),
        provisionTransport.close(left()),
      ])
      await dispatcher.release(RELEASE_MS)
      await monitor.stop()
      await usage.flush()
      channels.close()
    },
  }
}
