import { isDeepStrictEqual } from 'node:util'
import type { Failure, Id, JsonObject, Logger } from '@plugboard/core'
import { isPlugboardError, parseJsonObject } from '@plugboard/core'
import { NO_STATE } from '../channels/integration-states.js'
import type { ClientView, Directory } from '../clients/directory.js'
import type { Keyring } from '../clients/keyring.js'
import { namesOf } from '../clients/open-integration.js'
import type { Carry } from '../delivery/to-channels/serial-transport.js'
import type { IntegrationAddress, IntegrationItem } from '../delivery/transport.js'
import type { IntegrationRecord } from '../ports/client-record.js'
import type { AccountClaims } from './account-claims.js'
import { type ChannelCallsOptions, callChannel, type Installed } from './channel-call.js'
import type { Health } from './health.js'
import type { Refreshing } from './refreshing.js'

export interface ProvisioningOptions extends ChannelCallsOptions {
  directory: Directory
  accounts: AccountClaims
  keyring: Keyring
  health: Health
  planRefresh: Refreshing['plan']
  log: Logger
}

type Outcome = Failure | undefined

/** Whether the setup of `other` may have replaced that of `before`, so that removing the one may remove the other. */
const mayReplace = (other: Installed, before: Installed): boolean =>
  other.channel === before.channel &&
  (other.id === before.id || other.name === before.name || isDeepStrictEqual(other.config, before.config))

/**
 * Sets up integrations at their providers: registers the webhook of a new or changed one, and removes that of a deleted
 * one. It is a delivery of the entry that reports the change, so one replica at a time does it, in order, with retries.
 */
export class Provisioning {
  readonly #options: ProvisioningOptions

  constructor(options: ProvisioningOptions) {
    this.#options = options
  }

  readonly carry: Carry<IntegrationAddress, IntegrationItem> = async (address, item, { signal }) => {
    try {
      return await this.#carry(address, item, signal)
    } catch (err) {
      this.#options.log.error(
        { err, clientId: address.clientId },
        'cannot set up an integration at its provider; retrying',
      )
      return { kind: 'transient', message: 'the store failed' }
    }
  }

  async #carry(address: IntegrationAddress, item: IntegrationItem, signal: AbortSignal): Promise<Outcome> {
    const { old, name = item.channel } = parseJsonObject(item.payload)
    const { clientId, integrationId } = address
    // The cache may be older than the reported change, if another process made it.
    this.#options.directory.forget(clientId)
    const client = await this.#options.directory.find({ id: clientId })
    const now = client?.record.integrations.find(({ id }) => id === integrationId)
    if (typeof old === 'string' && typeof name === 'string') {
      const config = this.#open(old, clientId)
      const integration = config && { id: integrationId, name, channel: item.channel, config }
      const failure = integration && (await this.#takeBack(clientId, integration, client, signal))
      // With a new configuration, only that matters.
      if (failure && !now) return failure
    }
    return client && now?.status === 'pending' ? this.#setUp(client, now, signal) : undefined
  }

  /** Best effort: with invalid credentials, there is nothing to revert. */
  async #takeBack(
    clientId: Id,
    integration: Installed,
    client: ClientView | undefined,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { accounts, channels, log } = this.#options
    const { name, channel, config } = integration
    if (!channels.find(channel)) return undefined
    const account = accounts.of(channel, config)
    // A newer setup for the same account must stay.
    const isInUse = account
      ? await accounts.isTaken(clientId, account)
      : [...(client?.integrations.values() ?? [])].some((other) => mayReplace(other, integration))
    if (isInUse) return undefined
    const failure = await callChannel(this.#options, 'take-back', { clientId, integration }, NO_STATE, signal)
    if (!failure) return undefined
    log.warn(
      { clientId, channel, integration: name, kind: failure.kind, error: failure.message },
      'cannot remove an integration at its provider',
    )
    return failure.kind === 'auth' || failure.kind === 'invalid' || failure.kind === 'recipient'
      ? undefined
      : failure
  }

  #open(sealed: string, clientId: Id): JsonObject | undefined {
    try {
      return parseJsonObject(this.#options.keyring.open(sealed, clientId))
    } catch {
      // The encryption key was changed since.
      return undefined
    }
  }

  async #setUp(client: ClientView, record: IntegrationRecord, signal: AbortSignal): Promise<Outcome> {
    const { id, channel, mode = 'webhook' } = record
    const { name } = namesOf(record)
    const open = client.integrations.get(name)
    if (open?.id !== id) return undefined
    const state = this.#options.channels.stateOf(client.id, open)
    const of = { clientId: client.id, integration: open }
    let failure = await callChannel(this.#options, mode, of, state, signal)
    if (!failure && open.isUnproven) failure = await callChannel(this.#options, 'check', of, state, signal)
    if (failure?.kind === 'auth') return failure
    if (!failure) await this.#options.planRefresh(client.id, open)
    const changed = await this.#update(client.id, record, failure?.message)
    if (!failure) {
      if (changed) await this.#options.health.record(changed, { id, name, channel }, 'initialize')
      return undefined
    }
    // The cause of the rejection (such as an unreachable address) may be fixed later.
    const isFinal = failure.kind === 'invalid' || failure.kind === 'recipient'
    return isFinal ? { kind: 'transient', message: failure.message } : failure
  }

  /** Stores the result if the name and the configuration are unchanged and the result is new. */
  async #update(
    clientId: Id,
    { id, name, config }: IntegrationRecord,
    reason: string | undefined,
  ): Promise<ClientView | undefined> {
    const { directory } = this.#options
    const isNews = (each: IntegrationRecord): boolean =>
      each.id === id &&
      each.name === name &&
      each.config === config &&
      each.status === 'pending' &&
      (reason === undefined || each.reason !== reason)
    const current = await directory.get(clientId).catch(() => undefined)
    if (!current?.record.integrations.some(isNews)) return undefined
    return directory
      .change(clientId, (client) => ({
        ...client,
        integrations: client.integrations.map((each) => (isNews(each) ? withReason(each, reason) : each)),
      }))
      .catch((error) => {
        // The client was deleted concurrently.
        if (isPlugboardError(error, 'NOT_FOUND')) return undefined
        throw error
      })
  }
}

function withReason(record: IntegrationRecord, reason: string | undefined): IntegrationRecord {
  if (reason !== undefined) return { ...record, reason }
  const { reason: _, isUnproven: __, ...done } = record
  return { ...done, status: 'active' }
}
