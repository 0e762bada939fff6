import {
  type Failure,
  type Id,
  type IntegrationMode,
  invalid,
  isPlugboardError,
  type Json,
  type JsonObject,
  newId,
  PlugboardError,
} from '@plugboard/core'
import type { Channels } from '../channels/channels.js'
import type { Accounts, KeyAccount, WithId } from '../clients/accounts.js'
import type { ClientView, Directory, OpenWebhook } from '../clients/directory.js'
import type { OpenIntegration } from '../clients/open-integration.js'
import type { NewWebhook, Webhooks } from '../clients/webhooks.js'
import type { Collection } from '../documents/collection.js'
import { CUSTOM_TERM, type IntegrationFacts } from '../documents/facts.js'
import type { Range } from '../log/page.js'
import type { IntegrationRecord } from '../ports/client-record.js'
import type { PublicAddresses } from '../ports/public-addresses.js'
import { callChannel } from './channel-call.js'
import type { Health } from './health.js'
import type { Sync } from './sync.js'

/** An integration of a client: an enabled channel, or a custom program. */
export interface IntegrationView {
  id: Id
  /** Absent for a custom one. */
  channel?: OpenIntegration
  facts: IntegrationFacts
}

export interface IntegrationsOptions {
  facts: Collection<IntegrationFacts>
  sync: Sync
  directory: Directory
  channels: Channels
  webhooks: Webhooks
  accounts: Accounts
  health: Pick<Health, 'record'>
  urls: PublicAddresses
  /** Time limit of one call of a channel, in milliseconds. */
  timeoutMs: number
}

/** A change of an integration by an operator. What is absent stays. */
export interface IntegrationChange {
  /**
   * The whole configuration, except that a secret that it omits stays, and one that is null is removed. So a form need not
   * know the secrets.
   */
  config?: JsonObject | undefined
  mode?: IntegrationMode | undefined
  /** Null removes it. */
  displayName?: string | null | undefined
}

/** Filter for integrations. Default: all channels and custom ones. */
export interface IntegrationKinds {
  channels?: readonly string[]
  custom?: boolean
}

/** Longest name of an integration. */
const MAX_NAME = 31

/** Manages single integrations; {@link Sync} replaces the whole configuration. */
export class Integrations {
  readonly #options: IntegrationsOptions

  constructor(options: IntegrationsOptions) {
    this.#options = options
  }

  /** In order of id. */
  async list(
    client: ClientView,
    range: Range,
    { channels, custom = true }: IntegrationKinds = {},
  ): Promise<IntegrationView[]> {
    const { facts } = this.#options
    const { after, before, limit, fromEnd } = range
    const enabled = [...client.integrations.values()].filter(
      ({ id, channel }) =>
        (channels?.includes(channel) ?? true) && (!after || id > after) && (!before || id < before),
    )
    const [known, own] = await Promise.all([
      facts.findAll(
        client.id,
        enabled.map(({ id }) => id),
      ),
      custom ? facts.list(client.id, { ...range, term: CUSTOM_TERM }) : [],
    ])
    const all = [
      ...enabled.map((channel) => ({ id: channel.id, channel, facts: known.get(channel.id) ?? {} })),
      ...own.map(({ id, data }) => ({ id, facts: data })),
    ]
    all.sort((a, b) => (a.id < b.id ? -1 : 1))
    return fromEnd ? all.slice(-limit) : all.slice(0, limit)
  }

  /** @throws NOT_FOUND */
  async get(client: ClientView, id: Id): Promise<IntegrationView> {
    const channel = [...client.integrations.values()].find((integration) => integration.id === id)
    const facts = (await this.#options.facts.find(client.id, { id }))?.data
    if (channel) return { id, channel, facts: facts ?? {} }
    // A sync that removed a channel may have left its facts.
    if (!facts?.isCustom) throw notFound()
    return { id, facts }
  }

  /**
   * Adds an integration of a channel. Default of its name: that of the channel or, if that is used, the name with a number,
   * such as `telegram-2`. @throws INVALID, and CONFLICT if another integration uses the account or has the wanted name
   */
  async enable(
    client: ClientView,
    channelName: string,
    {
      facts,
      name: wanted,
      ...how
    }: {
      name?: string | undefined
      config: JsonObject
      mode?: IntegrationMode | undefined
      facts: IntegrationFacts
    },
  ): Promise<IntegrationView> {
    const name = wanted ?? this.#freeName(client, channelName)
    const of = { name, channel: channelName, ...how }
    const changed =
      wanted === undefined ? await this.#add(client, of) : await this.#options.sync.add(client.id, of)
    if (!changed) {
      // A concurrent change used the name.
      return this.enable(await this.#options.directory.get(client.id), channelName, { facts, ...how })
    }
    const channel = changed.integrations.get(name)
    if (!channel) throw notFound()
    await this.#options.facts.insert(client.id, channel.id, facts)
    return { id: channel.id, channel, facts }
  }

  #freeName({ integrations }: ClientView, channel: string): string {
    const used = new Set([...integrations.values()].flatMap(({ name, key }) => [name, key]))
    const isFree = (name: string): boolean => !used.has(name) && !this.#options.channels.find(name)
    if (!used.has(channel)) return channel
    for (let n = 2; ; n += 1) {
      const end = `-${n}`
      const name = `${channel.slice(0, MAX_NAME - end.length)}${end}`
      if (isFree(name)) return name
    }
  }

  /** Undefined if the name is used now. */
  async #add(client: ClientView, wanted: Parameters<Sync['add']>[1]): Promise<ClientView | undefined> {
    const { sync, directory } = this.#options
    try {
      return await sync.add(client.id, wanted)
    } catch (error) {
      if (!isPlugboardError(error, 'CONFLICT')) throw error
      directory.forget(client.id)
      if ((await directory.get(client.id)).integrations.has(wanted.name)) return undefined
      throw error
    }
  }

  /** Creates a custom integration. */
  async createCustom(client: ClientView, facts: IntegrationFacts): Promise<IntegrationView> {
    const [id, known] = [newId(), { ...facts, isCustom: true as const }]
    await this.#options.facts.insert(client.id, id, known)
    return { id, facts: known }
  }

  /** `config` and `mode`: of a channel; what is absent stays. @throws NOT_FOUND, and INVALID */
  async change(
    client: ClientView,
    id: Id,
    {
      config,
      mode,
      facts,
    }: {
      config?: JsonObject
      mode?: IntegrationMode | undefined
      facts(known: IntegrationFacts): IntegrationFacts
    },
  ): Promise<IntegrationView> {
    const { channel } = await this.get(client, id)
    const changed =
      channel && (config || mode)
        ? await this.#options.sync.change(client.id, channel, { config: config ?? channel.config, mode })
        : client
    await this.#options.facts.change(client.id, id, (known) => {
      if (!known && !channel) throw notFound()
      return facts(known ?? {})
    })
    return this.get(changed, id)
  }

  /** Changes an integration of a channel for an operator. @throws NOT_FOUND, INVALID, CONFLICT */
  async configure(
    client: ClientView,
    id: Id,
    { config, mode, displayName }: IntegrationChange,
  ): Promise<IntegrationView> {
    const { channel } = await this.#ofChannel(client, id)
    const secrets = this.#options.channels.find(channel.channel)?.secrets ?? []
    return this.change(client, id, {
      ...(config && { config: withSecrets(config, channel.config, secrets) }),
      mode,
      facts({ displayName: _, ...facts }) {
        const named = displayName === undefined ? _ : (displayName ?? undefined)
        return named === undefined ? facts : { ...facts, displayName: named }
      },
    })
  }

  /** Asks the provider whether the credentials work now. Changes nothing. @throws NOT_FOUND */
  async check(client: ClientView, id: Id): Promise<Failure | undefined> {
    const { channels } = this.#options
    const { channel: integration } = await this.#ofChannel(client, id)
    const state = channels.stateOf(client.id, integration)
    const of = { clientId: client.id, integration }
    return callChannel(this.#options, 'check', of, state, new AbortController().signal)
  }

  /**
   * Sets up the provider once more, in the background: registers the webhook again, and tries paused credentials again.
   * @throws NOT_FOUND
   */
  async provision(client: ClientView, id: Id): Promise<IntegrationView> {
    const { directory, health } = this.#options
    const { channel: integration } = await this.#ofChannel(client, id)
    const changed = await directory.change(client.id, (record) => {
      if (!record.integrations.some((each) => each.id === id)) throw notFound()
      return {
        ...record,
        integrations: record.integrations.map((each) => (each.id === id ? asNew(each) : each)),
      }
    })
    await health.record(changed, integration, 'start', { tellsProvider: true })
    return this.get(changed, id)
  }

  /** @throws NOT_FOUND, also for a custom one */
  async #ofChannel(client: ClientView, id: Id): Promise<IntegrationView & { channel: OpenIntegration }> {
    const found = await this.get(client, id)
    if (!found.channel) throw notFound()
    return { ...found, channel: found.channel }
  }

  /** Deletes it with its webhooks and keys. Pending deliveries can be replayed to another target. @throws NOT_FOUND */
  async delete(client: ClientView, id: Id): Promise<void> {
    const { sync, webhooks, accounts, facts } = this.#options
    const { channel } = await this.get(client, id)
    if (channel) await sync.change(client.id, channel)
    await webhooks.deleteOf(client, id)
    await accounts.removeOf({ integrationId: id })
    // Last, so that the deletion can be repeated if the process ended before.
    await facts.remove(client.id, id)
  }

  /** For a custom integration. @throws NOT_FOUND, INVALID, and CONFLICT if there are too many */
  async createKey(
    client: ClientView,
    integrationId: Id,
    displayName: string,
    limit: { max?: number } = {},
  ): Promise<{ key: WithId<KeyAccount>; secret: string }> {
    const { accounts } = this.#options
    await this.assertCustom(client, integrationId, 'API keys are available only for custom integrations')
    const of = { scope: 'integration', clientId: client.id, integrationId, displayName } as const
    const made = await accounts.createKey(of, limit)
    await this.#assertStill(client, integrationId, () => accounts.remove(made.key.id))
    return made
  }

  /** For a custom integration. @throws NOT_FOUND, INVALID, and CONFLICT if there are too many */
  async createWebhook(
    client: ClientView,
    webhook: NewWebhook & { ownerId: Id },
    limit: { max: number },
  ): Promise<OpenWebhook> {
    const { webhooks } = this.#options
    await this.assertCustom(client, webhook.ownerId, 'Webhooks are available only for custom integrations')
    const made = await webhooks.create(client, webhook, limit)
    await this.#assertStill(client, webhook.ownerId, () => webhooks.delete(client, webhook, made.id))
    return made
  }

  /** @throws NOT_FOUND, and INVALID with this message for a channel */
  async assertCustom(client: ClientView, id: Id, message: string): Promise<void> {
    const { channel } = await this.get(client, id)
    if (channel) throw invalid({ path: [], message })
  }

  /** Reverts a creation if the integration was deleted concurrently. @throws NOT_FOUND */
  async #assertStill(client: ClientView, id: Id, takeBack: () => Promise<void>): Promise<void> {
    if (await this.#options.facts.find(client.id, { id })) return
    await takeBack().catch(() => undefined)
    throw notFound()
  }
}

function asNew({ reason: _, ...integration }: IntegrationRecord): IntegrationRecord {
  return { ...integration, status: 'pending' }
}

/** The configuration with the secrets that it omits. */
function withSecrets(given: JsonObject, known: JsonObject, secrets: readonly string[]): JsonObject {
  const config = { ...given }
  for (const secret of secrets) {
    const stays = config[secret] === undefined && known[secret] !== undefined
    if (stays) config[secret] = known[secret] as Json
    else if (config[secret] === null) delete config[secret]
  }
  return config
}

const notFound = (): PlugboardError => new PlugboardError('NOT_FOUND', 'integration not found')
