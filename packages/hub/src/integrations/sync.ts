import { isDeepStrictEqual } from 'node:util'
import {
  type Id,
  type IntegrationMode,
  invalid,
  type JsonObject,
  newId,
  PlugboardError,
} from '@plugboard/core'
import type { Channels } from '../channels/channels.js'
import type { ClientView, Directory } from '../clients/directory.js'
import { type Keyring, newSecret } from '../clients/keyring.js'
import type { ClientRecord, IntegrationRecord, WebhookRecord } from '../ports/client-record.js'
import type { PublicAddresses } from '../ports/public-addresses.js'
import type { Account, AccountClaims } from './account-claims.js'
import { isSame as isSameAccount } from './account-claims.js'
import type { Health, HealthDetails, HealthType } from './health.js'
import type { Probed } from './probe.js'

/** The whole wanted configuration of a client, for one webhook format. */
export interface Configuration {
  channels: readonly ChannelConfiguration[]
  webhooks: readonly { url: string }[]
  /** Absent: unchanged. */
  acceptsGuests?: boolean | undefined
}

export interface ChannelConfiguration {
  name: string
  /** A disabled one is validated, and then treated as absent. */
  isEnabled: boolean
  /** Drops unknown fields instead of rejecting them. */
  dropUnknown?: boolean
  config: JsonObject
  /**
   * How it gets the events of its provider. Default: `webhook` if the server is public, otherwise `listen`, as far as the
   * channel and the configuration can.
   */
  mode?: IntegrationMode | undefined
}

/** A valid configuration of a channel, with its mode. */
interface CheckedChannel extends ChannelConfiguration {
  mode: IntegrationMode
}

export interface SyncOptions {
  directory: Directory
  channels: Channels
  keyring: Keyring
  health: Health
  accounts: AccountClaims
  /** Checks a new configuration with its provider. @throws INVALID if it rejects the credentials */
  probe(clientId: Id, channel: string, wanted: { config: JsonObject; mode: IntegrationMode }): Promise<Probed>
  urls: Pick<PublicAddresses, 'isPublic'>
  /** Returns why a URL must not be called, or undefined. */
  refuseTarget(url: string): string | undefined
}

/** Replaces a client's configuration: completely, or not at all if any part is invalid. */
export class Sync {
  readonly #options: SyncOptions

  constructor(options: SyncOptions) {
    this.#options = options
  }

  /**
   * Webhooks are identified by their URL: an existing one keeps its token. An integration with an unchanged configuration
   * stays unchanged; a paused one is retried. An unreachable provider does not block the sync: it is set up later, see
   * {@link Provisioning}.
   * @throws INVALID with every fault of the first invalid channel, or if a provider rejects new credentials; CONFLICT if
   * another client uses an account; NOT_FOUND
   */
  async run(clientId: Id, format: string, wanted: Configuration): Promise<ClientView> {
    const channels = await this.check(wanted)
    return this.#apply(clientId, channels, {
      concerns: () => true,
      webhooks: (record) => this.#webhooks(record, format, wanted),
      acceptsGuests: wanted.acceptsGuests,
    })
  }

  /**
   * Sets the configuration of one channel, or removes the channel without one. Other channels and webhooks stay unchanged.
   * `known`: the current integration. @throws as {@link run}; CONFLICT if an unexpected one exists, NOT_FOUND if it was
   * deleted
   */
  async runOne(
    clientId: Id,
    name: string,
    { known, config }: { known?: Id | undefined; config?: JsonObject },
  ): Promise<ClientView> {
    const wanted = config ? [await this.#checked({ name, config }, await this.#modeNow(clientId, name))] : []
    return this.#apply(clientId, wanted, {
      concerns: ({ channel }) => channel === name,
      webhooks({ integrations, webhooks }) {
        const found = integrations.find(({ channel }) => channel === name)
        if (found?.id === known) return webhooks
        if (known) throw new PlugboardError('NOT_FOUND', 'integration not found')
        throw new PlugboardError('CONFLICT', `the channel ${name} already has an integration`)
      },
    })
  }

  /** The present mode of an integration, which a change of its configuration keeps if it can. */
  async #modeNow(clientId: Id, name: string): Promise<IntegrationMode | undefined> {
    const client = await this.#options.directory.find({ id: clientId })
    const integration = client?.integrations.get(name)
    return integration && (integration.mode ?? 'webhook')
  }

  async #apply(clientId: Id, channels: readonly CheckedChannel[], scope: Scope): Promise<ClientView> {
    const { accounts, directory } = this.#options
    const before = await directory.get(clientId)
    const had = accounts.ofClient(before).filter(scope.concerns)
    const wants = channels.flatMap(({ name, config }) => accounts.of(name, config) ?? [])
    const lacks = (list: readonly Account[]) => (account: Account) =>
      !list.some((other) => isSameAccount(other, account))
    const claims: (() => Promise<unknown>)[] = []
    let changes: IntegrationChange[] = []
    let client: ClientView
    try {
      for (const account of wants.filter(lacks(had))) claims.push(await accounts.claim(clientId, account))
      const probed = await this.#probe(before, channels)
      client = await directory.change(clientId, (record) => {
        const webhooks = scope.webhooks(record)
        const next = this.#integrations(record, channels, probed, scope)
        changes = next.changes
        // Bots sync on every start: a sync without changes must not wake anything.
        const { acceptsGuests = record.acceptsGuests } = scope
        const isSame = isDeepStrictEqual(
          [next.integrations, webhooks, acceptsGuests],
          [record.integrations, record.webhooks, record.acceptsGuests],
        )
        if (isSame) return record
        const guests = acceptsGuests === undefined ? {} : { acceptsGuests }
        return { ...record, ...guests, integrations: next.integrations, webhooks }
      })
    } catch (error) {
      for (const takeBack of claims) await takeBack()
      throw error
    }
    await this.#report(client, changes)
    for (const account of had.filter(lacks(wants))) await accounts.release(clientId, account)
    return client
  }

  /** Checks new configurations with their providers, in parallel. */
  async #probe(
    client: ClientView,
    channels: readonly CheckedChannel[],
  ): Promise<ReadonlyMap<string, Probed>> {
    const isNew = ({ name, config, mode }: CheckedChannel): boolean => {
      const known = client.integrations.get(name)
      return (
        known?.status === 'paused' ||
        !isDeepStrictEqual([known?.config, known && modeOf(known)], [config, mode])
      )
    }
    const probing = channels.filter(isNew).map(async ({ name, config, mode }): Promise<[string, Probed]> => {
      // A paused one is retried unchanged, so that the rest of the configuration does not wait for it.
      const isPaused = isDeepStrictEqual(client.integrations.get(name)?.config, config)
      const probing = this.#options.probe(client.id, name, { config, mode })
      return [name, await (isPaused ? probing.catch(() => ({ isPending: true })) : probing)]
    })
    return new Map(await Promise.all(probing))
  }

  /** Validates a configuration without changing anything. Returns the enabled channels. @throws INVALID */
  async check({ channels, webhooks }: Configuration): Promise<CheckedChannel[]> {
    const checked: CheckedChannel[] = []
    for (const channel of channels) checked.push(await this.#checked(channel))
    for (const [i, { url }] of webhooks.entries()) {
      const refusal = this.#options.refuseTarget(url)
      if (refusal) throw invalid({ path: ['webhooks', i, 'url'], message: refusal })
    }
    return checked.filter((channel) => channel.isEnabled)
  }

  /**
   * The parsed configuration of one channel, with its mode: the wanted one, otherwise `preferred` or the default, as far
   * as the configuration can. @throws INVALID, also for a forbidden address
   */
  async #checked(
    channel: Omit<ChannelConfiguration, 'isEnabled'> & { isEnabled?: boolean },
    preferred?: IntegrationMode,
  ): Promise<CheckedChannel> {
    const { channels, refuseTarget, urls } = this.#options
    const { name, dropUnknown, isEnabled = true } = channel
    const checked = await channels.check(name, channel.config, dropUnknown)
    for (const field of channels.find(name)?.targets ?? []) {
      const value = checked[field]
      const refusal = typeof value === 'string' ? refuseTarget(value) : undefined
      if (refusal) throw invalid({ path: ['channels', name, field], message: refusal })
    }
    const usual = urls.isPublic ? (['webhook', 'listen'] as const) : (['listen', 'webhook'] as const)
    const order = preferred ? [preferred, ...usual] : usual
    const mode = channels.modeOf(name, checked, channel.mode, order)
    return { name, isEnabled, config: checked, mode }
  }

  #integrations(
    record: ClientRecord,
    channels: readonly CheckedChannel[],
    probed: ReadonlyMap<string, Probed>,
    { concerns }: Scope,
  ) {
    const others = record.integrations.filter((integration) => !concerns(integration))
    const changes: IntegrationChange[] = []
    const integrations = channels.map(({ name, config, mode }): IntegrationRecord => {
      const old = record.integrations.find((integration) => integration.channel === name)
      const isSameConfig =
        old && isDeepStrictEqual(JSON.parse(this.#options.keyring.open(old.config, record.id)), config)
      const isSame = isSameConfig && modeOf(old) === mode
      const { reason: _, mode: __, ...rest } = old ?? { id: newId(), channel: name }
      const version = this.#options.channels.find(name)?.version ?? ''
      const { id } = rest
      if (isSame && old.status === 'active') return { ...old, version }
      // A concurrent sync may have prevented the check.
      const { isPending, reason } = probed.get(name) ?? { isPending: true, reason: old?.reason }
      const status = isPending ? 'pending' : 'active'
      const start = { id, channel: name, type: 'start', details: { tellsProvider: isPending } } as const
      if (!old) changes.push({ id, channel: name, type: 'create' })
      if (!isSame) {
        const details = old ? { old: old.config, tellsProvider: true } : {}
        changes.push({ id, channel: name, type: 'configure', details })
      }
      changes.push(start)
      return {
        ...rest,
        version,
        ...(mode !== 'webhook' && { mode }),
        config: isSame ? old.config : this.#options.keyring.seal(JSON.stringify(config), record.id),
        status,
        ...(reason !== undefined && { reason }),
      }
    })
    for (const { id, channel, config: old } of record.integrations.filter(concerns)) {
      if (channels.some(({ name }) => name === channel)) continue
      changes.push({ id, channel, type: 'delete', details: { old, tellsProvider: true } })
    }
    return { integrations: [...others, ...integrations], changes }
  }

  #webhooks(record: ClientRecord, format: string, { webhooks }: Configuration): WebhookRecord[] {
    const urls = [...new Set(webhooks.map(({ url }) => url))]
    const own = urls.map((url): WebhookRecord => {
      const old = record.webhooks.find((hook) => hook.format === format && hook.url === url)
      if (old?.isGone) {
        const { isGone: _, ...back } = old
        return back
      }
      return old ?? { id: newId(), url, format, token: this.#options.keyring.seal(newSecret(), record.id) }
    })
    return [...record.webhooks.filter((hook) => hook.format !== format), ...own]
  }

  async #report(client: ClientView, changes: readonly IntegrationChange[]): Promise<void> {
    for (const { type, details, ...integration } of changes) {
      await this.#options.health.record(client, integration, type, details)
    }
  }
}

const modeOf = ({ mode = 'webhook' }: { mode?: IntegrationMode }): IntegrationMode => mode

/** The part of a client that a change affects. */
interface Scope {
  /** Whether the change removes a channel that it does not name. */
  concerns(of: { channel: string }): boolean
  /** The new webhooks of the client; called for each attempt of the change. */
  webhooks(record: ClientRecord): WebhookRecord[]
  /** Absent: unchanged. */
  acceptsGuests?: boolean | undefined
}

interface IntegrationChange {
  id: Id
  channel: string
  type: HealthType
  details?: HealthDetails
}
