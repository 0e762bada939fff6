import type { Id } from '@plugboard/core'
import { Audit } from './administration/audit.js'
import { ConversationList } from './administration/conversation-list.js'
import { Jobs } from './administration/dead-letter-jobs.js'
import { DeliveryList } from './administration/delivery-list.js'
import { OperatorSessions } from './administration/operator-sessions.js'
import { Operators } from './administration/operators.js'
import { Overview } from './administration/overview.js'
import { People } from './administration/people.js'
import { Processes, type ProcessInfo } from './administration/processes.js'
import { TargetControls } from './administration/target-controls.js'
import { TroubleIndex } from './administration/trouble-index.js'
import { Troubles } from './administration/troubles.js'
import { Channels } from './channels/channels.js'
import { IntegrationStates } from './channels/integration-states.js'
import { Preload } from './channels/preload.js'
import { Accounts } from './clients/accounts.js'
import { Clients } from './clients/clients.js'
import { type ClientView, Directory } from './clients/directory.js'
import { EventQueues } from './clients/event-queues.js'
import { Feed } from './clients/feed.js'
import { Idempotency } from './clients/idempotency.js'
import { channelRefOf } from './clients/open-integration.js'
import { Usage } from './clients/storage-usage.js'
import { Webhooks } from './clients/webhooks.js'
import { Addresses } from './conversations/addresses.js'
import { Collect } from './conversations/collect.js'
import { Conversations } from './conversations/conversations.js'
import { Deliveries } from './conversations/deliveries.js'
import { DeliveryEvents } from './conversations/delivery-events.js'
import { EndedSessions } from './conversations/ended-sessions.js'
import { Endpoints } from './conversations/endpoints.js'
import { lookupsFor } from './conversations/lookups.js'
import { Merges } from './conversations/merges.js'
import { Messages } from './conversations/messages.js'
import { Participants } from './conversations/participants.js'
import { Timeline } from './conversations/timeline.js'
import { Typing } from './conversations/typing.js'
import { Signals } from './conversations/typing-and-read-marks.js'
import { Users } from './conversations/users.js'
import { AttemptLog } from './delivery/attempts.js'
import { Dispatcher } from './delivery/dispatcher.js'
import type { DeliveryObserver } from './delivery/outcome-reports.js'
import { Recipients } from './delivery/recipients.js'
import type { RetrySchedule } from './delivery/retry.js'
import type { TargetConfig } from './delivery/targets/target-config.js'
import { TargetMonitor } from './delivery/targets/target-monitor.js'
import { TargetResolver } from './delivery/targets/target-resolver.js'
import { ButtonTokens } from './delivery/to-channels/button-tokens.js'
import { channelDelivery, type EndpointItem } from './delivery/to-channels/channel-delivery.js'
import type { EndpointAddress } from './delivery/to-channels/endpoint-address.js'
import { EndpointStates } from './delivery/to-channels/endpoint-states.js'
import { RateLimiter } from './delivery/to-channels/rate-limiter.js'
import { secondFormOfPart } from './delivery/to-channels/rendered-parts.js'
import { type Carry, SerialTransport } from './delivery/to-channels/serial-transport.js'
import { QueueBell } from './delivery/to-readers/queue-bell.js'
import { QueueTransport } from './delivery/to-readers/queue-transport.js'
import type { Lookups, WebhookFormat } from './delivery/to-webhooks/webhook-format.js'
import type { IntegrationAddress, IntegrationItem } from './delivery/transport.js'
import { clientFacts, conversationFacts, integrationFacts, userFacts } from './documents/facts.js'
import { Attachments } from './files/attachments.js'
import { MediaLinks } from './files/media-links.js'
import { Housekeeping } from './housekeeping.js'
import type { HubOptions } from './hub-options.js'
import { Answers } from './inbound/button-presses.js'
import { DeliveryReports } from './inbound/delivery-reports.js'
import { Ingest } from './inbound/ingest.js'
import { Listener } from './inbound/listener.js'
import { Profiles } from './inbound/profiles.js'
import { Watermarks } from './inbound/watermarks.js'
import { AccountClaims } from './integrations/account-claims.js'
import { probe } from './integrations/check-configuration.js'
import { Health } from './integrations/health.js'
import { Heartbeats } from './integrations/heartbeats.js'
import { Integrations } from './integrations/integrations.js'
import { Provisioning } from './integrations/provisioning.js'
import { Refreshing } from './integrations/refreshing.js'
import { pauseIntegration } from './integrations/rejected-credentials.js'
import { Sources } from './integrations/sources.js'
import { Sync } from './integrations/sync.js'
import { Live } from './live/live.js'
import { parseTarget } from './log/target.js'
import { PullLanes } from './pull/lane-entries.js'
import { Pull } from './pull/readers.js'
import { PullSweep } from './pull/unacknowledged.js'

/** The options, with their defaults. */
export type HubContext = HubOptions & { now: () => Date; formatsByName: ReadonlyMap<string, WebhookFormat> }

/** Assumed streams per client when sizing caches. Larger caches take longer to allocate at the start. */
const STREAMS_PER_CLIENT = 4

/** Heartbeats in the time after which others take over. */
const BEATS = 5

const DAY_MS = 24 * 60 * 60 * 1000
const WEEK_MS = 7 * DAY_MS
const YEAR_MS = 365 * DAY_MS

/** Clients, channels, and what watches them: everything that deliveries need. `changed`: a client's configuration is new. */
export function createFoundation(context: HubContext, changed: (clientId: Id) => Promise<void>) {
  const { store, keyring, settings, log, now } = context
  const { cacheSize } = settings
  const troubleIndex = new TroubleIndex({ store, log, now })
  const processes = new Processes({
    ...{ store, log, now, info: context.process ?? UNNAMED },
    delivers: settings.delivers !== false,
    isAlone: settings.cacheAgeMs === 0,
  })
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
    changing: (...change) => troubleIndex.changing(...change),
    maxClients: Math.ceil(cacheSize / STREAMS_PER_CLIENT),
  })
  const usage = new Usage({
    ...{ store, maxBytes: settings.clientMaxBytes ?? 0, maxCached: cacheSize, log },
    refused: (clientId) => void troubleIndex.goesOn({ clientId, targetId: clientId }),
  })
  const monitor = new TargetMonitor({
    ...{ store, directory, log, now },
    stored: (...state) => troubleIndex.stored(...state),
  })
  const measure = (clientId: Id, bytes: number) => usage.add(clientId, bytes)
  const queues = new EventQueues({ store, now })
  const states = new EndpointStates({ store, keyring, measure, log })
  const attempts = new AttemptLog({ store, keepMs: settings.attemptsKeepMs ?? WEEK_MS, log, now })
  return {
    ...{ channels, preload, directory, usage, measure, monitor, attempts, states, integrationStates },
    ...{ processes, troubleIndex, observer: counting(context.observer, processes) },
    tokens: new ButtonTokens(keyring),
    bell: new QueueBell(),
    queues,
    feed: new Feed({ directory, keyring, queues, now }),
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
  live: Pick<Live, 'appended'>
  addresses: Pick<Addresses, 'currentOf' | 'rename'>
}

/** The dispatcher with its transports. */
export function createDeliveries(context: HubContext, foundation: Foundation, reactions: () => Reactions) {
  const { store, settings, sender, urls, log, now, formatsByName: formats } = context
  const { channels, directory, monitor, attempts, states, tokens, bell } = foundation
  const { observer, processes, troubleIndex } = foundation
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
  const queueTransport = new QueueTransport({ store, bell, log, now })
  const targets = new TargetResolver({
    queueTransport,
    ...{ store, directory, channels, formats, sender, channelTransport, provisionTransport, urls, log, now },
    channelSchedule: settings.channelSchedule,
    provisionSchedule: repeatedForADay(settings.provisionSchedule),
    lookupsOf: (client) => reactions().lookups(client),
    currentOf: (...of) => reactions().addresses.currentOf(...of),
    unloaded: (clientId, targetId) => void troubleIndex.note({ clientId, targetId }),
  })
  const dispatcher = new Dispatcher({
    ...{ store, observer, monitor, attempts, log, now },
    externalIdOf: (clientId) => directory.peek(clientId)?.record.externalId,
    limits: settings.delivers === false ? { ...settings.delivery, streams: 0 } : settings.delivery,
    resolve: (...of) => targets.resolve(...of),
    appended(appended) {
      const { entry, duplicate } = appended
      if (entry.type === 'message' && !duplicate)
        processes.count(entry.author === 'business' ? 'posted' : 'received')
      reactions().live.appended(appended)
    },
    refused: (...refusal) => reactions().pause(...refusal),
    gaveUp: async (stream, target, entry, dead) => {
      const { kind, id } = parseTarget(target)
      if (dead.reason === 'gone' && kind === 'webhook')
        await reactions().gone(stream.clientId, id, dead.label)
      await reactions().events.gaveUp(stream, target, entry, dead)
    },
  })
  return { dispatcher, transports: [sender, channelTransport, provisionTransport, queueTransport] as const }
}

/** The use cases, and the reactions to deliveries that they provide. */
export function createUseCases(context: HubContext, foundation: Foundation, dispatcher: Dispatcher) {
  const { store, blobs, keyring, settings, urls, log, now, refuseTarget } = context
  const { channels, directory, usage, measure, monitor, states, tokens, bell, queues } = foundation
  const { processes, troubleIndex } = foundation
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
  const endedSessions = new EndedSessions({ store, now })
  const targetControls = new TargetControls({
    ...{ directory, keyring, sender: context.sender, now },
    formats: context.formatsByName,
  })
  const operators = new Operators({ store, now })
  const operatorSessions = new OperatorSessions({ store, now, idleMs: settings.operatorIdleMs ?? DAY_MS / 2 })
  const audit = new Audit({ store, now, keepMs: settings.auditKeepMs ?? YEAR_MS })

  const users = new Users({
    ...{ ...shared, ...cached, keyring, facts: facts.users },
    findClient: (id) => directory.find({ id }),
    revoked: (client, userId) => live.revoked(client, userId),
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
  const { feed } = foundation
  const live = new Live({ store, directory, users, feed, bell, log, now, cacheAgeMs: settings.cacheAgeMs })
  const typing = new Typing({ conversations, signals, live })
  const collect = new Collect({ store, messages, now, maxMs: settings.collectMaxMs })
  const merges = new Merges({ ...{ store, dispatcher, directory, users, participants, now } })
  const addresses = new Addresses({ store, channels, merges, measure })
  const endpoints = new Endpoints({ ...shared, users, conversations, addresses, states })
  const deliveries = new Deliveries({ ...shared, monitor })
  const timeline = new Timeline({ store, monitor, channels, deliveries, now })

  const sources = new Sources(store)
  const heartbeats = new Heartbeats({
    ...{ store, sources, log, now },
    lostAfterMs: settings.listenerLostAfterMs,
    isAlone: settings.cacheAgeMs === 0,
  })
  const pullLanes = new PullLanes({ store, bell, reports: dispatcher.reports, dispatcher, now })
  const formats = context.formatsByName
  const pull = new Pull({
    ...{
      store,
      bell,
      lanes: pullLanes,
      formats,
      monitor,
      dispatcher,
      observer: foundation.observer,
      log,
      now,
    },
    lookupsOf: (client) => lookups(client),
  })
  const pullSweep = new PullSweep({
    ...{ store, lanes: pullLanes, queues, directory, formats, dispatcher, now },
    keepMs: settings.eventsKeepMs ?? WEEK_MS,
    unread: (target) => troubleIndex.goesOn(target),
  })
  const health = new Health({ ...shared, pull, channels, monitor, urls, sources, heartbeats })
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
    ...{ directory, clients, channels, keyring, health, queues, refuseTarget, urls, now },
    accounts: accountClaims,
    probe: (probing) => probe({ channels, urls, timeoutMs: settings.probeTimeoutMs }, probing),
  })
  const integrations = new Integrations({
    ...{
      facts: integrationFacts(store),
      sync,
      directory,
      channels,
      webhooks,
      accounts,
      health,
      urls,
      timeoutMs,
    },
  })

  const media = new MediaLinks({
    ...{ store, keyring, directory, channels, urls, now, timeoutMs },
    ttlMs: settings.mediaLinkTtlMs,
  })
  const profiles = new Profiles({ channels, users, urls, timeoutMs, log, maxCached: cacheSize })
  const ingest = new Ingest({
    ...{ store, channels, endpoints, conversations, messages, log },
    ...{ answers: new Answers({ store, tokens }), media, monitor, states, accounts: accountClaims, profiles },
    reports: new DeliveryReports({
      ...{ store, endpoints, conversations, reports: dispatcher.reports, monitor, now },
      secondFormOfPart: (...of) => secondFormOfPart({ channels, tokens, log }, ...of),
    }),
    watermarks: new Watermarks({ store, conversations }),
  })
  const listener = new Listener({
    ...{ store, directory, channels, sources, heartbeats, ingest, urls, log, now },
    network: context.network,
    beatMs: settings.listenerLostAfterMs / BEATS,
    pause: (clientId, { id, credentials }, reason) =>
      pause(clientId, { integration: id, credentials }, reason),
    failed: (clientId, targetId) => troubleIndex.note({ clientId, targetId }),
  })
  const troubles = new Troubles({
    ...{ store, index: troubleIndex, directory, monitor, sources, channels, usage, log, now },
  })
  const people = new People({ store, users, addresses })
  const overview = new Overview({ store, processes, troubles, now })
  const conversationList = new ConversationList({ store, conversations, users, people })
  const deliveryList = new DeliveryList({ store, deliveries })
  const jobs = new Jobs({
    ...{ store, deliveries, log, now, findClient: (id) => directory.find({ id }) },
    lostAfterMs: settings.listenerLostAfterMs,
    isAlone: settings.cacheAgeMs === 0,
  })
  const housekeeping = new Housekeeping({
    jobs,
    ...{ store, blobs, clients, idempotency, merges, endedSessions, operatorSessions, audit, pullSweep, log },
    attempts: foundation.attempts,
  })

  const lookups = (client: ClientView) => lookupsFor(client, { store, users, conversations, accounts })
  const reactions: Reactions = {
    lookups,
    pause,
    provision: (...attempt) => provisioning.carry(...attempt),
    gone: (...webhook) => webhooks.gone(...webhook),
    events: new DeliveryEvents({ directory, conversations, log }),
    live,
    addresses,
  }
  return {
    useCases: {
      ...{ clients, accounts, integrations, sync, webhooks, users, conversations, participants, typing },
      ...{ messages, collect, endpoints, ingest, deliveries, health, idempotency, media, attachments },
      ...{ live, pull, merges, endedSessions, operators, operatorSessions, audit, overview, people },
      ...{ usage, jobs, conversationList, deliveryList },
      ...{ timeline, targetControls },
      lookups,
    },
    housekeeping,
    listener,
    signals,
    profiles,
    refreshing,
    troubles,
    reactions,
  }
}

const UNNAMED: ProcessInfo = { version: '', role: 'all' }

/** Counts what the observer gets. */
const counting = (observer: DeliveryObserver, processes: Processes): DeliveryObserver => ({
  delivered(...of) {
    processes.count('delivered')
    observer.delivered(...of)
  },
  retried(of) {
    processes.count('failed')
    observer.retried(of)
  },
  died(of) {
    processes.count('failed')
    observer.died(of)
  },
})

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
