import type { Audit } from './administration/audit.js'
import type { ConversationList } from './administration/conversation-list.js'
import type { Jobs } from './administration/dead-letter-jobs.js'
import type { DeliveryList } from './administration/delivery-list.js'
import type { OperatorSessions } from './administration/operator-sessions.js'
import type { Operators } from './administration/operators.js'
import type { Overview } from './administration/overview.js'
import type { People } from './administration/people.js'
import type { TargetControls } from './administration/target-controls.js'
import type { Channels } from './channels/channels.js'
import type { Accounts } from './clients/accounts.js'
import type { Clients } from './clients/clients.js'
import type { ClientView } from './clients/directory.js'
import type { Idempotency } from './clients/idempotency.js'
import type { Usage } from './clients/storage-usage.js'
import type { Webhooks } from './clients/webhooks.js'
import type { Collect } from './conversations/collect.js'
import type { Conversations } from './conversations/conversations.js'
import type { Deliveries } from './conversations/deliveries.js'
import type { EndedSessions } from './conversations/ended-sessions.js'
import type { Endpoints } from './conversations/endpoints.js'
import type { Merges } from './conversations/merges.js'
import type { Messages } from './conversations/messages.js'
import type { Participants } from './conversations/participants.js'
import type { Timeline } from './conversations/timeline.js'
import type { Typing } from './conversations/typing.js'
import type { Users } from './conversations/users.js'
import type { Dispatcher } from './delivery/dispatcher.js'
import { feedFormat } from './delivery/to-readers/feed-format.js'
import type { Lookups } from './delivery/to-webhooks/webhook-format.js'
import type { Attachments } from './files/attachments.js'
import type { MediaLinks } from './files/media-links.js'
import type { HubOptions } from './hub-options.js'
import {
  createDeliveries,
  createFoundation,
  createUseCases,
  type Foundation,
  type HubContext,
} from './hub-parts.js'
import type { Ingest } from './inbound/ingest.js'
import type { Listener } from './inbound/listener.js'
import type { Health } from './integrations/health.js'
import type { Integrations } from './integrations/integrations.js'
import type { Sync } from './integrations/sync.js'
import type { Live } from './live/live.js'
import type { Pull } from './pull/readers.js'

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
  readonly typing: Typing
  readonly messages: Messages
  readonly collect: Collect
  readonly endpoints: Endpoints
  readonly ingest: Ingest
  readonly deliveries: Deliveries
  readonly timeline: Timeline
  readonly health: Health
  readonly idempotency: Idempotency
  readonly merges: Pick<Merges, 'merge'>
  readonly endedSessions: EndedSessions
  readonly operators: Operators
  readonly operatorSessions: OperatorSessions
  readonly audit: Audit
  readonly channels: Channels
  readonly media: MediaLinks
  readonly attachments: Attachments
  readonly live: Live
  readonly pull: Pull
  readonly overview: Overview
  readonly people: People
  readonly usage: Pick<Usage, 'read'>
  readonly jobs: Jobs
  readonly conversationList: ConversationList
  readonly deliveryList: DeliveryList
  readonly targetControls: TargetControls
  /** Lookups of a client's objects, as for webhook formats. */
  lookups(client: ClientView): Lookups
  /** Whether delivery is running. */
  readonly isDelivering: boolean
  /** Number of conversations (and other streams) that this process delivers now. */
  readonly conversationsInDelivery: number
  /** Number of integrations that this process listens for. */
  readonly listening: number
  start(): void
  /** Ends waiting collects, waits for deliveries in progress within the grace period, and releases the rest to the store. */
  stop(graceMs: number): Promise<void>
}

/** Factor for polling intervals if the store sends change notifications: polling then only covers lost ones. */
const SELDOM = 15

/** How long to wait before subscribing to changes again, in milliseconds. */
const SUBSCRIBE_AGAIN_MS = 5_000

/** How long a stop may take to give back what this process listened to, in milliseconds. */
const LISTENER_STOP_MS = 1_500

/** How long streams whose deliveries were cut off may take to be given back at the end, in milliseconds. */
const RELEASE_MS = 2_000

/** Creates a hub from the bottom up: foundation, deliveries, use cases. */
export function createHub(options: HubOptions): Hub {
  const context: HubContext = {
    ...{ ...options, now: options.now ?? (() => new Date()) },
    formatsByName: new Map([...options.formats, feedFormat].map((format) => [format.name, format])),
  }
  const foundation = createFoundation(context, (clientId) => {
    listener.clientChanged(clientId)
    return dispatcher.clientChanged(clientId)
  })
  const { dispatcher, transports } = createDeliveries(context, foundation, () => reactions)
  const { useCases, housekeeping, listener, refreshing, signals, profiles, troubles, reactions } =
    createUseCases(context, foundation, dispatcher)
  const { channels, monitor, attempts, preload, processes, usage } = foundation
  return {
    ...useCases,
    channels,
    get isDelivering() {
      return dispatcher.isRunning
    },
    get conversationsInDelivery() {
      return dispatcher.streams
    },
    get listening() {
      return listener.size
    },
    start() {
      for (const transport of transports) transport.start(dispatcher.listener)
      dispatcher.start()
      if (context.settings.delivers !== false) {
        housekeeping.start()
        useCases.jobs.start()
        listener.start()
        refreshing.start()
        troubles.start()
      }
      processes.start(() => ({ leases: dispatcher.streams, listening: listener.size }))
      monitor.start()
      attempts.start()
      preload.start()
      subscribe(context, foundation, {
        dispatcher,
        listener,
        collect: useCases.collect,
        live: useCases.live,
        pull: useCases.pull,
      })
    },
    async stop(graceMs) {
      const deadline = Date.now() + graceMs
      const left = (): number => Math.max(0, deadline - Date.now())
      useCases.live.close()
      useCases.pull.close()
      useCases.collect.close()
      signals.close()
      profiles.close()
      preload.stop()
      await listener.stop(Math.min(LISTENER_STOP_MS, left()))
      await refreshing.stop()
      await useCases.jobs.stop()
      await housekeeping.stop()
      await dispatcher.stop(left())
      await Promise.all(transports.map((transport) => transport.close(left())))
      await dispatcher.release(RELEASE_MS)
      await troubles.stop()
      await monitor.stop()
      await processes.stop()
      await attempts.stop()
      await usage.flush()
      channels.close()
    },
  }
}

/** Subscribes to what other processes change, until that succeeds. Polls before, and all the time if it is not possible. */
function subscribe(
  context: HubContext,
  foundation: Pick<Foundation, 'directory' | 'bell'>,
  parts: { dispatcher: Dispatcher; listener: Listener; collect: Collect; live: Live; pull: Pull },
): void {
  const { dispatcher, listener, collect, live, pull } = parts
  const { store, settings, log, now } = context
  const { directory, bell } = foundation

  async function watch(): Promise<void> {
    collect.isTold = false
    pull.isNotified = false
    listener.isNotified = false
    const { isInstant, reason } = await store.watch({
      due: (at) => dispatcher.due(at),
      clientChanged(clientId) {
        directory.forget(clientId)
        listener.clientChanged(clientId)
        dispatcher.clientChangedElsewhere(clientId)
      },
      queued: (queueId) => bell.ring(queueId),
      turnEnded: (messageId) => collect.turnEnded(messageId),
      appended: (stream, seq) => live.appendedElsewhere(stream, seq),
      signalled: (stream, text) => live.signalled(stream, text),
      missed() {
        directory.forget()
        listener.missed()
        collect.look()
        live.missed()
        bell.ringAll()
        dispatcher.due(now())
      },
    })
    if (!isInstant) {
      if (reason !== undefined)
        log.warn({ reason }, 'the database sends no change notifications; polling instead')
      return
    }
    collect.isTold = true
    pull.isNotified = true
    live.watchAgain()
    listener.isNotified = true
    directory.maxAgeMs = SELDOM * settings.cacheAgeMs
    dispatcher.pollMs = SELDOM * settings.delivery.pollMs
  }

  watch().catch((err) => {
    if (dispatcher.isStopping) return
    log.error({ err }, 'cannot subscribe to changes of other processes; retrying')
    setTimeout(() => subscribe(context, foundation, parts), SUBSCRIBE_AGAIN_MS).unref()
  })
}
