import type { Id } from '@plugboard/core'
import { Channels } from './channels/channels.js'
import { IntegrationStates } from './channels/integration-states.js'
import { Preload } from './channels/preload.js'
import { Accounts } from './clients/accounts.js'
import { Clients } from './clients/clients.js'
import { type ClientView, Directory } from './clients/directory.js'
import { Idempotency } from './clients/idempotency.js'
import { channelRefOf } from './clients/open-integration.js'
import { Usage } from './clients/usage.js'
import { Webhooks } from './clients/webhooks.js'
import { Addresses } from './conversations/addresses.js'
import { Collect } from './conversations/collect.js'
import { Conversations } from './conversations/conversations.js'
import { Deliveries } from './conversations/deliveries.js'
import { DeliveryEvents } from './conversations/delivery-events.js'
import { Endpoints } from './conversations/endpoints.js'
import { lookupsFor } from './conversations/lookups.js'
import { Merges } from './conversations/merges.js'
import { Messages } from './conversations/messages.js'
import { Participants } from './conversations/participants.js'
import { Signals } from './conversations/signals.js'
import { Typing } from './conversations/typing.js'
import { Users } from './conversations/users.js'
import { ButtonTokens } from './delivery/button-tokens.js'
import {
  channelDelivery,
  type EndpointAddress,
  type EndpointItem,
  secondFormOfPart,
} from './delivery/channel-delivery.js'
import { Dispatcher } from './delivery/dispatcher.js'
import { EndpointStates } from './delivery/endpoint-states.js'
import { RateLimiter } from './delivery/rate-limiter.js'
import { Recipients } from './delivery/recipients.js'
import type { RetrySchedule } from './delivery/retry.js'
import { type Carry, SerialTransport } from './delivery/serial-transport.js'
import type { TargetConfig } from './delivery/target-config.js'
import { TargetMonitor } from './delivery/target-monitor.js'
import { TargetResolver } from './delivery/target-resolver.js'
import type { IntegrationAddress, IntegrationItem } from './delivery/transport.js'
import type { Lookups, WebhookFormat } from './delivery/webhook-format.js'
import { clientFacts, conversationFacts, integrationFacts, userFacts } from './documents/facts.js'
import { Attachments } from './files/attachments.js'
import { MediaLinks } from './files/media-links.js'
import { Housekeeping } from './housekeeping.js'
import type { HubOptions } from './hub-options.js'
import { Answers } from './inbound/answers.js'
import { Ingest } from './inbound/ingest.js'
import { Listener } from './inbound/listener.js'
import { Watermarks } from './inbound/watermarks.js'
import { AccountClaims } from './integrations/account-claims.js'
import { Health } from './integrations/health.js'
import { Heartbeats } from './integrations/heartbeats.js'
import { Integrations } from './integrations/integrations.js'
import { pauseIntegration } from './integrations/pause.js'
import { probe } from './integrations/probe.js'
import { Provisioning } from './integrations/provisioning.js'
import { Refreshing } from './integrations/refreshing.js'
import { Sources } from './integrations/sources.js'
import { Sync } from './integrations/sync.js'
import { parseTarget } from './log/target.js'

/** The options, with their defaults. */
export type HubContext = HubOptions & { now: () => Date; formatsByName: ReadonlyMap<string, WebhookFormat> }

/** Assumed streams per client when sizing caches. Larger caches take longer to allocate at the start. */
const STREAMS_PER_CLIENT = 4

/** Heartbeats in the time after which others take over. */
const BEATS = 5

const DAY_MS = 24 * 60 * 60 * 1000

/** Clients, channels, and what watches them: everything that deliveries need. `changed`: a client's configuration is new. */
export function createFoundation(context: HubContext, changed: (clientId: Id) => Promise<void>) {
  const { store, keyring, settings, log, now } = context
  const { cacheSize } = settings
  const integrationStates = new IntegrationStates({ store, keyring, maxCached: cacheSize })
  const channels = new Channels({
    ...context,
    maxSessions: cacheSize,
    states: integrationStates,
    loaded: (name) => preload.used(name),
  })
  const preload = new Preload({ store, channels, log })
  const directory = new Directory({
    ...{ store, keyring, changed, maxAgeMs: settings.cacheAgeMs },
    maxClients: Math.ceil(cacheSize / STREAMS_PER_CLIENT),
  })
  const usage = new Usage({ store, maxBytes: settings.clientMaxBytes ?? 0, maxCached: cacheSize, log })
  const monitor = new TargetMonitor({ store, directory, log, now })
  const measure = (clientId: Id, bytes: number) => usage.add(clientId, bytes)
  const states = new EndpointStates({ store, keyring, measure, log })
  return {
    ...{ channels, preload, directory, usage, measure, monitor, states, integrationStates },
    tokens: new ButtonTokens(keyring),
  }
}

export type Foundation = ReturnType<typeof createFoundation>

/** What deliveries call when something becomes of them. The use cases provide it, and are made after deliveries. */
export interface Reactions {
  lookups(client: ClientView): Lookups
  pause(clientId: Id, config: TargetConfig, reason: string): Promise<void>
  provision: Provisioning['carry']
  /** A webhook answered at this URL that it is gone. */
  gone(clientId: Id, webhookId: Id, url: string): Promise<void>
  events: Pick<DeliveryEvents, 'done' | 'gaveUp'>
  addresses: Pick<Addresses, 'currentOf' | 'rename'>
}

/** The dispatcher with its transports. */
export function createDeliveries(context: HubContext, foundation: Foundation, reactions: () => Reactions) {
  const { store, settings, sender, urls, log, observer, now, formatsByName: formats } = context
  const { channels, directory, monitor, states, tokens } = foundation
  const deliver = channelDelivery({
    ...{ channels, tokens, states, store, log, timeoutMs: settings.channelTimeoutMs },
    limiter: new RateLimiter(),
    async moved({ clientId, integration, endpoint }, to) {
      const client = await directory.find({ id: clientId })
      if (client) await reactions().addresses.rename(client, channelRefOf(integration), endpoint, to)
    },
  })
  const channelTransport = new SerialTransport(watched(deliver, monitor, () => reactions().events))
  const provisionTransport = new SerialTransport<IntegrationAddress, IntegrationItem>((...attempt) =>
    reactions().provision(...attempt),
  )
  const targets = new TargetResolver({
    ...{ directory, channels, formats, sender, channelTransport, provisionTransport, urls, log, now },
    channelSchedule: settings.channelSchedule,
    provisionSchedule: repeatedForADay(settings.provisionSchedule),
    lookupsOf: (client) => reactions().lookups(client),
    currentOf: (...of) => reactions().addresses.currentOf(...of),
  })
  const dispatcher = new Dispatcher({
    ...{ store, observer, monitor, log, now },
    externalIdOf: (clientId) => directory.peek(clientId)?.record.externalId,
    limits: settings.delivers === false ? { ...settings.delivery, streams: 0 } : settings.delivery,
    resolve: (stream, target) => targets.resolve(stream, target),
    refused: (...refusal) => reactions().pause(...refusal),
    gaveUp: async (stream, target, entry, dead) => {
      const { kind, id } = parseTarget(target)
      if (dead.reason === 'gone' && kind === 'webhook')
        await reactions().gone(stream.clientId, id, dead.label)
      await reactions().events.gaveUp(stream, target, entry, dead)
    },
  })
  return { dispatcher, transports: [sender, channelTransport, provisionTransport] as const }
}

/** The use cases, and the reactions to deliveries that they provide. */
export function createUseCases(context: HubContext, foundation: Foundation, dispatcher: Dispatcher) {
  const { store, blobs, keyring, settings, urls, log, now, refuseTarget } = context
  const { channels, directory, usage, measure, monitor, states, tokens } = foundation
  const { cacheSize } = settings
  const recipients = new Recipients(context.formatsByName)
  const shared = { store, recipients, dispatcher, usage, now }
  const cached = { maxCached: cacheSize, maxAgeMs: settings.cacheAgeMs }
  const timeoutMs = settings.channelTimeoutMs
  const facts = { users: userFacts(store, measure), conversations: conversationFacts(store, measure) }

  const attachments = new Attachments({
    ...{ store, blobs, keyring, urls, usage },
    maxBytes: settings.attachmentMaxBytes,
  })
  const accounts = new Accounts({ store, keyring, now, ...cached })
  const clients = new Clients({ store, facts: clientFacts(store), directory, accounts, attachments, now })
  const webhooks = new Webhooks({ store, directory, keyring, refuseTarget, now })
  const idempotency = new Idempotency({ store, now })

  const users = new Users({
    ...{ ...shared, ...cached, keyring, facts: facts.users },
    forgetAddresses: (client, userId) => addresses.forget(client, userId),
  })
  const conversations = new Conversations({
    ...{ ...shared, ...cached, users, attachments, states },
    facts: facts.conversations,
  })
  const messages = new Messages({ ...shared, channels, users, conversations })
  const signals = new Signals({
    ...{ channels, states, urls, log, timeoutMs },
    currentOf: (...of) => addresses.currentOf(...of),
  })
  const participants = new Participants({
    ...{ store, users, conversations, signals, now },
    ...{ userFacts: facts.users, conversationFacts: facts.conversations, maxCached: cacheSize },
  })
  const typing = new Typing({ conversations, signals })
  const collect = new Collect({ store, messages, now, maxMs: settings.collectMaxMs })
  const merges = new Merges({ ...{ store, dispatcher, directory, users, participants, now } })
  const addresses = new Addresses({ store, channels, merges, measure })
  const endpoints = new Endpoints({ ...shared, users, conversations, addresses, states })
  const deliveries = new Deliveries({ ...shared, monitor })

  const sources = new Sources(store)
  const heartbeats = new Heartbeats({
    ...{ store, sources, log, now },
    lostAfterMs: settings.listenerLostAfterMs,
    isAlone: settings.cacheAgeMs === 0,
  })
  const health = new Health({ ...shared, channels, monitor, urls, sources, heartbeats })
  const accountClaims = new AccountClaims({ store, directory, channels, now })
  const pause = pauseIntegration({ directory, health, log })
  const refreshing = new Refreshing({
    ...{ store, directory, channels, states: foundation.integrationStates, urls, monitor, pause },
    ...{ timeoutMs, log, now },
  })
  const provisioning = new Provisioning({
    ...{ directory, channels, accounts: accountClaims, keyring, health, urls, log, timeoutMs },
    planRefresh: (...of) => refreshing.plan(...of),
  })
  const sync = new Sync({
    ...{ directory, channels, keyring, health, accounts: accountClaims, refuseTarget, urls },
    probe: (probing) => probe({ channels, urls, timeoutMs: settings.probeTimeoutMs }, probing),
  })
  const integrations = new Integrations({
    ...{ facts: integrationFacts(store), sync, directory, channels, webhooks, accounts },
  })

  const media = new MediaLinks({
    ...{ store, keyring, directory, channels, urls, now, timeoutMs },
    ttlMs: settings.mediaLinkTtlMs,
  })
  const ingest = new Ingest({
    ...{ store, channels, endpoints, conversations, messages, dispatcher, log, now },
    ...{ answers: new Answers({ store, tokens }), media, monitor, states, accounts: accountClaims },
    secondFormOfPart: (...of) => secondFormOfPart({ channels, tokens, log }, ...of),
    watermarks: new Watermarks({ store, conversations }),
  })
  const listener = new Listener({
    ...{ store, directory, channels, sources, heartbeats, ingest, urls, log, now },
    network: context.network,
    beatMs: settings.listenerLostAfterMs / BEATS,
    pause: (clientId, { id, credentials }, reason) =>
      pause(clientId, { integration: id, credentials }, reason),
  })
  const housekeeping = new Housekeeping({ store, blobs, clients, idempotency, merges, log })

  const lookups = (client: ClientView) => lookupsFor(client, { store, users, conversations, accounts })
  const reactions: Reactions = {
    lookups,
    pause,
    provision: (...attempt) => provisioning.carry(...attempt),
    gone: (...webhook) => webhooks.gone(...webhook),
    events: new DeliveryEvents({ directory, conversations, log }),
    addresses,
  }
  return {
    useCases: {
      ...{ clients, accounts, integrations, sync, webhooks, users, conversations, participants, typing },
      ...{ messages, collect, endpoints, ingest, deliveries, health, idempotency, media, attachments },
      lookups,
    },
    housekeeping,
    listener,
    signals,
    refreshing,
    reactions,
  }
}

/** Reports the outcome of deliveries to the monitor and to the client's webhooks. */
function watched(
  deliver: ReturnType<typeof channelDelivery>,
  monitor: TargetMonitor,
  events: () => Reactions['events'],
): Carry<EndpointAddress, EndpointItem> {
  return async (address, item, ...how) => {
    const outcome = await deliver(address, item, ...how)
    if (outcome === 'skipped') return undefined
    const target = { clientId: address.clientId, targetId: address.integration.id }
    if (outcome === undefined) {
      monitor.delivered(target)
      await events().done(address, item)
    } else if (outcome !== 'withdrawn') monitor.failed(target, outcome)
    return outcome
  }
}

/** Repeats the last delay of a schedule until it covers a day. */
function repeatedForADay({ delaysMs }: RetrySchedule): RetrySchedule {
  const last = Math.max(delaysMs.at(-1) ?? DAY_MS, 1000)
  const sum = delaysMs.reduce((total, delay) => total + delay, 0)
  const more = Math.max(0, Math.ceil((DAY_MS - sum) / last))
  return { delaysMs: [...delaysMs, ...Array<number>(more).fill(last)] }
}
