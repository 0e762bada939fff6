import {
  type Failure,
  type Id,
  type IntegrationMode,
  isJsonObject,
  type JsonObject,
  newId,
  parseJsonObject,
} from '@plugboard/core'
import type { Channels } from '../channels/channels.js'
import type { ClientView, OpenWebhook } from '../clients/directory.js'
import { isFeed } from '../clients/feed.js'
import type { OpenIntegration } from '../clients/open-integration.js'
import type { Dispatcher } from '../delivery/dispatcher.js'
import type { Recipients } from '../delivery/recipients.js'
import type { TargetMonitor } from '../delivery/targets/target-monitor.js'
import {
  type DeliveryCounts,
  type TargetFailure,
  type TargetState,
  type WorkingState,
  workingState,
} from '../delivery/targets/target-state.js'
import { integrationTarget } from '../log/target.js'
import type { Sealed } from '../ports/client-record.js'
import type { PublicAddresses } from '../ports/public-addresses.js'
import type { Append, Store } from '../ports/store.js'
import type { Pull, PullBacklog } from '../pull/readers.js'
import type { Heartbeats } from './heartbeats.js'
import type { SourceState, Sources } from './sources.js'

const healthTypes = ['create', 'configure', 'start', 'initialize', 'pause', 'delete'] as const

/** Type of a health event of an integration. */
export type HealthType = (typeof healthTypes)[number]

/** A health event of an integration. */
export interface HealthEvent {
  type: HealthType
  time: Date
  data?: JsonObject
}

/** Details of a health event. */
export interface HealthDetails {
  data?: JsonObject
  /** The previous configuration, which may be set up at the provider. Never shown. */
  old?: Sealed
  /** Whether to set up the provider; see {@link Provisioning}. */
  tellsProvider?: boolean
}

/** An integration with its recent events. */
export interface IntegrationHealth extends TargetState {
  name: string
  channel: string
  /** Deliveries, failed attempts and dead letters since the integration was created. */
  counts: DeliveryCounts
  status: 'active' | 'pending' | 'paused'
  /** The provider's message, if it is paused or pending. */
  reason?: string
  /** Whether the provider is set up for it. */
  configured: boolean
  /** How it gets the events of its provider. */
  mode: IntegrationMode
  /** Of an active integration that listens. */
  listening?: ListeningHealth
  /** URL that the provider calls, if there is a provider. */
  webhookUrl?: string
  /** Manual steps at the provider. */
  setup?: string
  /** Newest first. */
  events: HealthEvent[]
}

/**
 * The connection of an integration that listens. `starting`: no process has it yet. `connecting`: the provider has not
 * answered yet. `connected`: the provider has accepted the connection; events arrive when people write. `failing`: the
 * last attempt failed.
 */
export interface ListeningHealth {
  state: 'starting' | SourceState['name']
  /** When the state began. */
  since?: Date
  failure?: Pick<Failure, 'kind' | 'message'>
  nextAttemptAt?: Date
}

/** A webhook with its working state. */
export interface WebhookHealth {
  id: Id
  url: string
  state: WorkingState
  lastDeliveredAt?: Date
  lastFailure?: TargetFailure
  consecutiveFailures: number
  counts: DeliveryCounts
  /** Of a pull webhook: what waits for its readers. */
  waiting?: PullBacklog
}

/** The same for an operator. */
export interface WebhookState extends WebhookHealth, Pick<TargetState, 'circuit' | 'hours'> {}

export interface HealthOptions {
  store: Store
  recipients: Recipients
  dispatcher: Dispatcher
  channels: Channels
  monitor: Pick<TargetMonitor, 'read'>
  pull: Pick<Pull, 'backlog'>
  urls: PublicAddresses
  sources: Pick<Sources, 'findAll'>
  heartbeats: Pick<Heartbeats, 'isSilent'>
  now(): Date
}

/** Maximum events shown per integration. */
const MAX_EVENTS = 20

/** Why the messages of an integration wait, although its credentials work. */
export const NOT_LOADED =
  'the server does not load this channel any more: its operator has to install it again'

const NO_STATE: TargetState = { consecutiveFailures: 0 }
const NO_COUNTS: DeliveryCounts = { delivered: 0, failed: 0, dead: 0 }

/** Health of a client's integrations. */
export class Health {
  readonly #options: HealthOptions

  constructor(options: HealthOptions) {
    this.#options = options
  }

  async list(client: ClientView): Promise<IntegrationHealth[]> {
    const { store, monitor, urls, channels } = this.#options
    const integrations = [...client.integrations.values()]
    const [states, listening] = await Promise.all([monitor.read(client.id), this.#listening(integrations)])
    return Promise.all(
      integrations.map(async ({ id, name, channel, status, reason, mode = 'webhook' }) => {
        const entries = await store.listEntries(client.id, id, MAX_EVENTS)
        const { counts = NO_COUNTS, ...state } = states.get(id) ?? NO_STATE
        const webhookUrl = urls.webhook(client.id, name)
        const setup = await channels.find(channel)?.setup?.(webhookUrl, mode, urls.sharedWebhook(channel))
        const isLoaded = channels.isLoaded(channel)
        return {
          ...{ name, channel, status: isLoaded ? status : 'paused', configured: status !== 'pending' },
          ...(isLoaded ? reason !== undefined && { reason } : { reason: NOT_LOADED }),
          mode,
          ...(listening.has(id) && { listening: listening.get(id) as ListeningHealth }),
          ...{ ...state, counts },
          ...(mode !== 'direct' && { webhookUrl }),
          ...(setup !== undefined && { setup }),
          events: entries.flatMap((entry) => healthEventOf(entry) ?? []),
        }
      }),
    )
  }

  /** What became of the active ones that listen, by id. */
  async #listening(integrations: readonly OpenIntegration[]): Promise<ReadonlyMap<Id, ListeningHealth>> {
    const { sources, heartbeats } = this.#options
    const ids = integrations.flatMap(({ id, mode, status }) =>
      mode === 'listen' && status === 'active' ? [id] : [],
    )
    if (ids.length === 0) return new Map()
    const kept = await sources.findAll(ids)
    return new Map(
      await Promise.all(
        ids.map(async (id): Promise<[Id, ListeningHealth]> => {
          const { owner, state } = kept.get(id)?.data ?? {}
          if (owner === undefined || (await heartbeats.isSilent(owner))) return [id, { state: 'starting' }]
          return [id, state ? listeningOf(state) : { state: 'connecting' }]
        }),
      ),
    )
  }

  /** The webhooks of one dialect. */
  async ofWebhooks(client: ClientView, format: string): Promise<WebhookHealth[]> {
    const states = await this.#options.monitor.read(client.id)
    const own = client.webhooks.filter((hook) => hook.format === format)
    return Promise.all(own.map((hook) => this.#webhook(client, hook, states.get(hook.id))))
  }

  /** All webhooks but the feed, for an operator. */
  async webhookStates(client: ClientView): Promise<WebhookState[]> {
    const states = await this.#options.monitor.read(client.id)
    return Promise.all(
      client.webhooks
        .filter((hook) => !isFeed(hook))
        .map(async (hook) => {
          const { circuit, hours } = states.get(hook.id) ?? NO_STATE
          return {
            ...(await this.#webhook(client, hook, states.get(hook.id))),
            ...(circuit && { circuit }),
            ...(hours && { hours }),
          }
        }),
    )
  }

  async #webhook(
    client: ClientView,
    { id, url, mode, isGone }: OpenWebhook,
    state: TargetState = NO_STATE,
  ): Promise<WebhookHealth> {
    const { lastOutboundAt, lastFailure, consecutiveFailures, counts = NO_COUNTS } = state
    return {
      ...{ id, url, state: isGone ? 'gone' : workingState(state), consecutiveFailures, counts },
      ...(lastOutboundAt && { lastDeliveredAt: lastOutboundAt }),
      ...(lastFailure && { lastFailure }),
      ...(mode === 'pull' && { waiting: await this.#options.pull.backlog(client, id) }),
    }
  }

  /** Stores a health event and notifies the webhooks. */
  async record(
    client: ClientView,
    integration: { id: Id; name: string; channel: string },
    type: HealthType,
    { data, old, tellsProvider }: HealthDetails = {},
  ): Promise<void> {
    const { store, recipients, dispatcher, now } = this.#options
    const append: Append = {
      clientId: client.id,
      streamId: integration.id,
      kind: 'integration',
      entry: {
        id: newId(),
        type: 'health.new',
        payload: JSON.stringify({
          type,
          ...(integration.name !== integration.channel && { name: integration.name }),
          ...(data && { data }),
          ...(old && { old }),
        }),
        at: now(),
        claim: dispatcher.hasRoom(client.id, integration.id),
      },
      resolve: () => {
        const webhooks = recipients.webhooks(client, 'health.new')
        const owes = tellsProvider ? [...webhooks, integrationTarget(integration.id)] : webhooks
        return { owes, channel: integration.channel }
      },
    }
    const appended = await dispatcher.claiming(append, store.append(append))
    if (appended) dispatcher.appended(appended)
  }
}

const listeningOf = (state: SourceState): ListeningHealth => ({
  state: state.name,
  since: new Date(state.at),
  ...(state.name === 'failing' && {
    failure: state.failure,
    ...(state.nextAttemptAt && { nextAttemptAt: new Date(state.nextAttemptAt) }),
  }),
})

/** Parses the event of an integration's entry; undefined if this version does not know it. */
export function healthEventOf(entry: { payload: string; at: Date }): HealthEvent | undefined {
  const told = parseJsonObject(entry.payload)
  const type = healthTypes.find((each) => each === told.type)
  return type && { type, ...(isJsonObject(told.data) && { data: told.data }), time: entry.at }
}
