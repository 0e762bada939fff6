import { isDeepStrictEqual } from 'node:util'
import {
  channelNamePattern,
  type Id,
  type IntegrationMode,
  type Issue,
  invalid,
  isPlugboardError,
  type JsonObject,
  newId,
  PlugboardError,
  parseJsonObject,
} from '@plugboard/core'
import type { Channels } from '../channels/channels.js'
import { type Clients, type NewToken, newClient } from '../clients/clients.js'
import type { ClientView, Directory } from '../clients/directory.js'
import type { EventQueues } from '../clients/event-queues.js'
import { type Keyring, newSecret } from '../clients/keyring.js'
import { namesOf } from '../clients/open-integration.js'
import type { ClientRecord, IntegrationRecord, WebhookRecord } from '../ports/client-record.js'
import type { PublicAddresses } from '../ports/public-addresses.js'
import { pullUrl } from '../pull/url.js'
import type { Account, AccountClaims } from './account-claims.js'
import { isSame as isSameAccount } from './account-claims.js'
import type { Probed, Probing } from './check-configuration.js'
import type { Health, HealthDetails, HealthType } from './health.js'
import { IntegrationKeys, matchIntegrations } from './match-integrations.js'

/** The whole wanted configuration of a client, for one webhook format. */
export interface Configuration {
  channels: readonly ChannelConfiguration[]
  webhooks: readonly WantedWebhook[]
  /** Absent: unchanged. */
  acceptsGuests?: boolean | undefined
}

/** Events go to a URL, or wait for readers under a name that is unique among the pull webhooks of the client. */
export type WantedWebhook = { url: string } | { pull: string }

/** Wanted configuration of one integration. */
export interface ChannelConfiguration {
  /** Name of the integration. */
  name: string
  /** Name of the channel. Default: the name of the integration. */
  channel?: string | undefined
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

export interface SyncOptions {
  directory: Directory
  clients: Pick<Clients, 'delete'>
  channels: Channels
  keyring: Keyring
  health: Health
  queues: EventQueues
  accounts: AccountClaims
  /** Checks a new configuration with its provider. @throws INVALID if it rejects the credentials */
  probe(probing: Probing): Promise<Probed>
  urls: Pick<PublicAddresses, 'isPublic'>
  /** Returns why a URL must not be called, or undefined. */
  refuseTarget(url: string): string | undefined
  now(): Date
}

/** A checked configuration of an enabled integration. */
interface Wanted {
  name: string
  channel: string
  config: JsonObject
  account: string | undefined
  mode: IntegrationMode
}

/** Most integrations of a client. */
const MAX_INTEGRATIONS = 100

/** Replaces a client's configuration: completely, or not at all if any part is invalid. */
export class Sync {
  readonly #options: SyncOptions

  constructor(options: SyncOptions) {
    this.#options = options
  }

  /**
   * Webhooks are identified by their URL: an existing one keeps its token. An integration with an unchanged configuration
   * stays unchanged; a paused one is retried. One that has the same account (or, in a channel without accounts, the same
   * configuration) under another name is renamed: it keeps its conversations. An unreachable provider does not block the sync: it is set up later, see
   * {@link Provisioning}.
   * @throws INVALID with every fault of the configuration, also if two integrations use one account; INVALID with what
   * providers reject of new credentials; CONFLICT if another client uses an account; NOT_FOUND
   */
  async run(clientId: Id, format: string, wanted: Configuration): Promise<ClientView> {
    const { directory } = this.#options
    const integrations = await this.#wanted(wanted)
    return this.#replace(await directory.get(clientId), integrations, {
      ...{ format, wanted, write: (change) => directory.change(clientId, change) },
    })
  }

  /**
   * Creates a client with its first token and this configuration, in one write: no process sees it without its webhooks,
   * so nothing that it does is owed to nobody. If anything fails, no client is left.
   * @throws as {@link run}; CONFLICT also if the name is in use
   */
  async create(
    format: string,
    wanted: Configuration,
    { name }: { name?: string | undefined } = {},
  ): Promise<{ client: ClientView; token: NewToken }> {
    const { directory, clients, now } = this.#options
    const integrations = await this.#wanted(wanted)
    const { record, token } = newClient(name === undefined ? {} : { name }, now())
    const before = { id: record.id, record, webhooks: [], integrations: new Map() }
    const write: Write = async (change) => directory.insert(change(record))
    try {
      return { client: await this.#replace(before, integrations, { format, wanted, write }), token }
    } catch (error) {
      // It may have been inserted, and nobody will ever know its token.
      await clients.delete(record.id).catch(() => undefined)
      throw error
    }
  }

  /** Writes a whole configuration for one webhook format. */
  async #replace(
    before: ClientView,
    integrations: readonly Wanted[],
    { format, wanted, write }: { format: string; wanted: Configuration; write: Write },
  ): Promise<ClientView> {
    const pulls = await this.#addQueues(before, format, wanted)
    let client: ClientView | undefined
    try {
      client = await this.#write(before, integrations, {
        concerns: () => true,
        webhooks: (record) => this.#webhooks(record, format, wanted, pulls),
        acceptsGuests: wanted.acceptsGuests,
        write,
      })
      return client
    } finally {
      const made = new Set(client?.webhooks.map(({ id }) => id))
      for (const id of pulls.values()) if (!made.has(id)) await this.#options.queues.remove(id)
    }
  }

  /** The ids of pull webhooks that are to be made, by URL. Housekeeping has to know them before the client has them. */
  async #addQueues(
    client: ClientView,
    format: string,
    { webhooks }: Configuration,
  ): Promise<ReadonlyMap<string, Id>> {
    const ids = new Map<string, Id>()
    for (const wanted of webhooks) {
      const url = urlOf(wanted)
      if (!('pull' in wanted) || ids.has(url) || client.webhooks.some(isOf(format, url))) continue
      const id = newId()
      ids.set(url, id)
      await this.#options.queues.add(id, client.id)
    }
    return ids
  }

  /**
   * Adds an integration. Everything else stays unchanged.
   * @throws as {@link run}; CONFLICT also if the name is used, if another integration of the client uses the account, and
   * if there are too many
   */
  async add(
    clientId: Id,
    integration: { name: string; channel: string; config: JsonObject; mode?: IntegrationMode | undefined },
  ): Promise<ClientView> {
    const { name } = integration
    const wanted = await this.#checked(integration)
    return this.#apply(clientId, [wanted], {
      concerns: () => false,
      webhooks: ({ integrations, webhooks }) => {
        if (!integrations.some((integration) => namesOf(integration).name === name)) return webhooks
        throw new PlugboardError('CONFLICT', `the client already has an integration ${name}`)
      },
    })
  }

  /**
   * Sets the configuration of one integration, and its mode if that is given, or removes it without a configuration.
   * Everything else stays unchanged.
   * @throws as {@link add}; NOT_FOUND if it was deleted
   */
  async change(
    clientId: Id,
    {
      id,
      name,
      channel,
      mode = 'webhook',
    }: Pick<IntegrationRecord, 'id' | 'channel' | 'mode'> & { name: string },
    to?: { config: JsonObject; mode?: IntegrationMode | undefined },
  ): Promise<ClientView> {
    const wanted = to ? [await this.#checked({ name, channel, ...to }, mode)] : []
    return this.#apply(clientId, wanted, {
      concerns: (integration) => integration.id === id,
      webhooks: ({ integrations, webhooks }) => {
        const found = integrations.find((integration) => integration.id === id)
        if (!found) throw new PlugboardError('NOT_FOUND', 'integration not found')
        if (namesOf(found).name === name) return webhooks
        throw new PlugboardError('CONFLICT', 'the client changed concurrently; try again')
      },
    })
  }

  async #apply(clientId: Id, wanted: readonly Wanted[], scope: Scope): Promise<ClientView> {
    const { directory } = this.#options
    const write: Write = (change) => directory.change(clientId, change)
    return this.#write(await directory.get(clientId), wanted, { ...scope, write })
  }

  async #write(
    before: ClientView,
    wanted: readonly Wanted[],
    { write, ...scope }: Scope & { write: Write },
  ): Promise<ClientView> {
    const { accounts } = this.#options
    const { id: clientId } = before
    const had = accounts.ofAll([...before.integrations.values()].filter(scope.concerns))
    const claims: (() => Promise<unknown>)[] = []
    const ids = new Map(wanted.map((one) => [one, newId()]))
    let changes: IntegrationChange[] = []
    let client: ClientView
    try {
      for (const { name, ...one } of wanted) {
        const account = accountOf(one)
        if (account && !isIn(accounts.ofClient(before), account))
          claims.push(await accounts.claim(clientId, account, name))
      }
      const probed = await this.#probe(before, wanted, scope, ids)
      client = await write((record) => {
        const webhooks = scope.webhooks(record)
        const next = this.#integrations(record, wanted, scope, { ids, probed })
        changes = next.changes
        // Bots sync on every start: a sync without changes must not wake anything.
        const { acceptsGuests = record.acceptsGuests } = scope
        const isSame = isDeepStrictEqual(
          [next.integrations, webhooks, acceptsGuests],
          [record.integrations, record.webhooks, record.acceptsGuests],
        )
        if (isSame) return record
        const guests = acceptsGuests === undefined ? {} : { acceptsGuests }
        const { formerIntegrations: _, ...rest } = record
        const former = next.former.length === 0 ? {} : { formerIntegrations: next.former }
        return { ...rest, ...former, ...guests, integrations: next.integrations, webhooks }
      })
    } catch (error) {
      for (const takeBack of claims) await takeBack()
      throw error
    }
    await this.#report(client, changes)
    const wants = wanted.flatMap((one) => accountOf(one) ?? [])
    for (const account of had.filter((one) => !isIn(wants, one))) await accounts.release(clientId, account)
    return client
  }

  /** Checks new configurations with their providers, in parallel. */
  async #probe(
    { id: clientId, record }: ClientView,
    wanted: readonly Wanted[],
    scope: Scope,
    ids: ReadonlyMap<Wanted, Id>,
  ): Promise<ReadonlyMap<Wanted, Probed>> {
    const found = matchIntegrations(wanted, this.#opened(record, scope))
    const isSame = (one: Wanted): boolean => isSameSetup(found.get(one), one)
    const isNew = (one: Wanted): boolean => !isSame(one) || found.get(one)?.record.status === 'paused'
    const probing = wanted.filter(isNew).map(async (one): Promise<[Wanted, Probed]> => {
      const { name, channel, config, mode } = one
      const id = found.get(one)?.record.id ?? ids.get(one) ?? newId()
      const probing = this.#options.probe({ clientId, id, name, channel, config, mode })
      // A paused one is retried unchanged, so that the rest of the configuration does not wait for it.
      return [
        one,
        await (isDeepStrictEqual(found.get(one)?.config, config)
          ? probing.catch(() => ({ isPending: true }))
          : probing),
      ]
    })
    const probed = await Promise.allSettled(probing)
    const issues = issuesOf(probed)
    if (issues.length > 0) throw invalid(...issues)
    return new Map(probed.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])))
  }

  /** The enabled integrations of a valid configuration. @throws INVALID */
  async #wanted({ channels, webhooks }: Configuration): Promise<Wanted[]> {
    const checked = await Promise.allSettled(channels.map((one) => this.#checked(one)))
    const wanted = checked.flatMap((result, i) =>
      result.status === 'fulfilled' && channels[i]?.isEnabled ? [result.value] : [],
    )
    const issues = issuesOf(checked)
    for (const [i, one] of wanted.entries()) {
      const account = accountOf(one)
      const other = account && wanted.slice(0, i).find((before) => isIn([account], accountOf(before)))
      if (other)
        issues.push({
          path: ['channels', one.name],
          message: `is the same account as "channels.${other.name}"`,
        })
    }
    for (const [i, webhook] of webhooks.entries()) {
      const refusal = 'url' in webhook ? this.#options.refuseTarget(webhook.url) : undefined
      if (refusal) issues.push({ path: ['webhooks', i, 'url'], message: refusal })
    }
    if (issues.length > 0) throw invalid(...issues)
    return wanted
  }

  /**
   * The parsed configuration of one integration, with its mode: the wanted one, otherwise `preferred` or the default, as
   * far as the configuration can. @throws INVALID, also for a forbidden address
   */
  async #checked(
    { name, channel = name, config: given, dropUnknown, mode }: Omit<ChannelConfiguration, 'isEnabled'>,
    preferred?: IntegrationMode,
  ): Promise<Wanted> {
    const { channels, accounts, refuseTarget, urls } = this.#options
    if (name !== channel && !channelNamePattern.test(name))
      throw invalid({ path: ['channels', name], message: NAME })
    const usual = urls.isPublic ? (['webhook', 'listen'] as const) : (['listen', 'webhook'] as const)
    const order = preferred ? [preferred, ...usual, 'direct' as const] : [...usual, 'direct' as const]
    const modeFor = (configuration: JsonObject) =>
      channels.modeOf({ name, channel }, configuration, mode, order)
    const config = await channels.check({ name, channel }, given, dropUnknown).catch((error: unknown) => {
      throw channels.find(channel) ? withFaultsOf(error, () => modeFor(given)) : error
    })
    for (const field of channels.find(channel)?.targets ?? []) {
      const value = config[field]
      const refusal = typeof value === 'string' ? refuseTarget(value) : undefined
      if (refusal) throw invalid({ path: ['channels', name, field], message: refusal })
    }
    return {
      ...{ name, channel, config, account: accounts.of(channel, config)?.name },
      mode: modeFor(config),
    }
  }

  /** The integrations that a change affects, with their configurations. */
  #opened(record: ClientRecord, { concerns }: Scope): Known[] {
    const { keyring, accounts } = this.#options
    return record.integrations.filter(concerns).map((integration) => {
      const { channel } = integration
      const config = parseJsonObject(keyring.open(integration.config, record.id))
      const account = accounts.of(channel, config)?.name
      return {
        ...namesOf(integration),
        channel,
        config,
        account,
        mode: modeOf(integration),
        record: integration,
      }
    })
  }

  #integrations(
    record: ClientRecord,
    wanted: readonly Wanted[],
    scope: Scope,
    { ids, probed }: { ids: ReadonlyMap<Wanted, Id>; probed: ReadonlyMap<Wanted, Probed> },
  ) {
    const { keyring, channels } = this.#options
    const others = this.#opened(record, { ...scope, concerns: (each) => !scope.concerns(each) })
    const concerned = this.#opened(record, scope)
    const found = matchIntegrations(wanted, concerned)
    const kept = new Set(found.values())
    const removed = concerned.filter((known) => !kept.has(known))
    const keys = new IntegrationKeys(
      [...others, ...kept].map(({ key }) => key),
      record.formerIntegrations ?? [],
    )
    for (const known of removed) keys.giveBack(known)
    const changes: IntegrationChange[] = []
    const integrations = wanted.map((one): IntegrationRecord => {
      const { name, channel, config, account, mode } = one
      const twin = account === undefined ? undefined : others.find((other) => isSameAs(other, one))
      if (twin)
        throw new PlugboardError(
          'CONFLICT',
          `"channels.${name}" is the same account as "channels.${twin.name}"`,
        )
      const known = found.get(one)
      const old = known?.record
      const isSame = isSameSetup(known, one)
      const isRenamed = known !== undefined && known.name !== name
      const version = channels.find(channel)?.version ?? ''
      if (old && isSame && !isRenamed && old.status === 'active') return { ...old, version }
      const id = old?.id ?? ids.get(one) ?? newId()
      const key = known?.key ?? keys.take({ id, name, channel })
      // A concurrent sync may have prevented the check.
      const { isPending, reason } = probed.get(one) ?? { isPending: true, reason: old?.reason }
      const isProven = (isSame && !old?.isUnproven) || (probed.has(one) && reason === undefined)
      const isUnproven = !isProven && channels.find(channel)?.inbound?.isShared === true
      const of = { id, name, channel }
      if (!old) changes.push({ ...of, type: 'create' })
      if (!isSame || isRenamed) {
        const data = isRenamed ? { data: { renamedFrom: known.name } } : {}
        const details = old ? { ...data, ...(!isSame && { old: old.config }), tellsProvider: true } : {}
        changes.push({ ...of, type: 'configure', details })
      }
      changes.push({ ...of, type: 'start', details: { tellsProvider: isPending } })
      return {
        ...{ id, channel, version },
        ...(name !== channel && { name }),
        ...(key !== channel && { key }),
        ...(mode !== 'webhook' && { mode }),
        config: old && isSame ? old.config : keyring.seal(JSON.stringify(config), record.id),
        status: isPending ? 'pending' : 'active',
        ...(reason !== undefined && { reason }),
        ...(isUnproven && { isUnproven }),
        ...(old?.pausedAt && { pausedAt: old.pausedAt }),
      }
    })
    for (const { name, channel, record: old } of removed) {
      const details = { old: old.config, tellsProvider: true }
      changes.push({ id: old.id, name, channel, type: 'delete', details })
    }
    const all = [...others.map(({ record }) => record), ...integrations]
    if (all.length > MAX_INTEGRATIONS && all.length > record.integrations.length)
      throw new PlugboardError('CONFLICT', `a client can have at most ${MAX_INTEGRATIONS} integrations`)
    return { integrations: all, changes, former: keys.former }
  }

  #webhooks(
    record: ClientRecord,
    format: string,
    { webhooks }: Configuration,
    pulls: ReadonlyMap<string, Id>,
  ): WebhookRecord[] {
    const byUrl = new Map(webhooks.map((wanted) => [urlOf(wanted), wanted]))
    const own = [...byUrl].map(([url, wanted]): WebhookRecord => {
      const old = record.webhooks.find(isOf(format, url))
      if (old?.isGone) {
        const { isGone: _, ...back } = old
        return back
      }
      if (old) return old
      const token = this.#options.keyring.seal(newSecret(), record.id)
      return 'pull' in wanted
        ? { id: pulls.get(url) ?? newId(), url, mode: 'pull', format, token }
        : { id: newId(), url, format, token }
    })
    return [...record.webhooks.filter((hook) => hook.format !== format), ...own]
  }

  async #report(client: ClientView, changes: readonly IntegrationChange[]): Promise<void> {
    for (const { type, details, ...integration } of changes) {
      await this.#options.health.record(client, integration, type, details)
    }
  }
}

const urlOf = (wanted: WantedWebhook): string => ('url' in wanted ? wanted.url : pullUrl(wanted.pull))

const isOf =
  (format: string, url: string) =>
  (hook: Pick<WebhookRecord, 'format' | 'url'>): boolean =>
    hook.format === format && hook.url === url

const modeOf = ({ mode = 'webhook' }: { mode?: IntegrationMode }): IntegrationMode => mode

/** Stores what a change makes of the record of a client, which may be new. */
type Write = (change: (record: ClientRecord) => ClientRecord) => Promise<ClientView>

/** The part of a client that a change affects. */
interface Scope {
  /** Whether the change removes an integration that it does not want. */
  concerns(of: { id: Id }): boolean
  /** The new webhooks of the client; called for each attempt of the change. */
  webhooks(record: ClientRecord): WebhookRecord[]
  /** Absent: unchanged. */
  acceptsGuests?: boolean | undefined
}

interface IntegrationChange {
  id: Id
  name: string
  channel: string
  type: HealthType
  details?: HealthDetails
}

/** An integration with its configuration. */
type Known = Wanted & { key: string; record: IntegrationRecord }

const NAME = 'must be 2 to 31 lower-case letters, digits and dashes, and start with a letter'

const accountOf = ({ channel, account }: Omit<Wanted, 'name'>): Account | undefined =>
  account === undefined ? undefined : { channel, name: account }

const isIn = (accounts: readonly Account[], account: Account | undefined): boolean =>
  account !== undefined && accounts.some((other) => isSameAccount(other, account))

const isSameSetup = (known: Wanted | undefined, { config, mode }: Wanted): boolean =>
  known?.mode === mode && isDeepStrictEqual(known.config, config)

const isSameAs = (other: Wanted, { channel, account }: Wanted): boolean =>
  other.channel === channel && other.account === account

/** What is INVALID in any of them. @throws the first other error */
function issuesOf(results: readonly PromiseSettledResult<unknown>[]): Issue[] {
  return results.flatMap((result) => {
    if (result.status === 'fulfilled') return []
    if (!isPlugboardError(result.reason, 'INVALID')) throw result.reason
    return result.reason.issues
  })
}

/** The error, and what `check` finds wrong with other fields: so a caller learns of all faults at once. */
function withFaultsOf(error: unknown, check: () => void): unknown {
  try {
    check()
    return error
  } catch (another) {
    if (!isPlugboardError(error, 'INVALID') || !isPlugboardError(another, 'INVALID')) return error
    const known = new Set(error.issues.map(({ path }) => path.join('.')))
    return invalid(...error.issues, ...another.issues.filter(({ path }) => !known.has(path.join('.'))))
  }
}
