import { isDeepStrictEqual } from 'node:util'
import { type Id, invalid, type JsonObject, newId } from '@plugboard/core'
import type { Channels } from './channels.js'
import type { ClientRecord, IntegrationRecord, WebhookRecord } from './client-record.js'
import type { ClientView, Directory } from './directory.js'
import type { Health } from './health.js'
import { type Keyring, newSecret } from './keyring.js'

/** The whole configuration that a client is to have, of the webhook format that asks. */
export interface Configuration {
  channels: readonly ChannelConfiguration[]
  webhooks: readonly { url: string }[]
}

export interface ChannelConfiguration {
  name: string
  /** One that is not enabled is checked all the same, and then taken as absent. */
  isEnabled: boolean
  /** Fields that the channel does not know are left out, in place of refused. */
  dropUnknown?: boolean
  config: JsonObject
}

export interface SyncOptions {
  directory: Directory
  channels: Channels
  keyring: Keyring
  health: Health
  /** Why a URL may not be called, if it may not. */
  refuseTarget(url: string): string | undefined
}

/** Brings a client's configuration to what is asked for: all of it or, when anything is wrong with it, nothing. */
export class Sync {
  readonly #options: SyncOptions

  constructor(options: SyncOptions) {
    this.#options = options
  }

  /**
   * Webhooks are told apart by their URL: one that stays keeps its token. An integration whose configuration is the
   * same stays as it is, and one that was paused is tried again. Whether a provider can be reached plays no part.
   * @throws INVALID with every fault of the first channel that has any; NOT_FOUND
   */
  async run(clientId: Id, format: string, wanted: Configuration): Promise<ClientView> {
    const channels = await this.check(wanted)
    let changes: IntegrationChange[] = []
    const client = await this.#options.directory.change(clientId, (record) => {
      const next = this.#integrations(record, channels)
      changes = next.changes
      return { ...record, integrations: next.integrations, webhooks: this.#webhooks(record, format, wanted) }
    })
    await this.#report(client, changes)
    return client
  }

  /** Checks a configuration without changing anything; answers the channels that are enabled. @throws INVALID */
  async check({ channels, webhooks }: Configuration): Promise<ChannelConfiguration[]> {
    const checked: ChannelConfiguration[] = []
    for (const channel of channels) {
      const { name, config, dropUnknown } = channel
      checked.push({ ...channel, config: await this.#options.channels.check(name, config, dropUnknown) })
    }
    for (const [i, { url }] of webhooks.entries()) {
      const refusal = this.#options.refuseTarget(url)
      if (refusal) throw invalid({ path: ['webhooks', i, 'url'], message: refusal })
    }
    return checked.filter((channel) => channel.isEnabled)
  }

  #integrations(record: ClientRecord, channels: readonly ChannelConfiguration[]) {
    const changes: IntegrationChange[] = []
    const integrations = channels.map(({ name, config }): IntegrationRecord => {
      const old = record.integrations.find((integration) => integration.channel === name)
      const isSame =
        old && isDeepStrictEqual(JSON.parse(this.#options.keyring.open(old.config, record.id)), config)
      const { reason: _, ...rest } = old ?? { id: newId(), channel: name }
      if (!old) changes.push({ id: rest.id, channel: name, types: ['create', 'configure', 'start'] })
      else if (!isSame) changes.push({ id: rest.id, channel: name, types: ['configure', 'start'] })
      else if (old.status === 'paused') changes.push({ id: rest.id, channel: name, types: ['start'] })
      return {
        ...rest,
        version: this.#options.channels.find(name)?.version ?? '',
        config: isSame ? old.config : this.#options.keyring.seal(JSON.stringify(config), record.id),
        status: 'active',
      }
    })
    for (const { id, channel } of record.integrations) {
      if (!channels.some(({ name }) => name === channel)) changes.push({ id, channel, types: ['delete'] })
    }
    return { integrations, changes }
  }

  #webhooks(record: ClientRecord, format: string, { webhooks }: Configuration): WebhookRecord[] {
    const urls = [...new Set(webhooks.map(({ url }) => url))]
    const own = urls.map((url): WebhookRecord => {
      const old = record.webhooks.find((hook) => hook.format === format && hook.url === url)
      return old ?? { id: newId(), url, format, token: this.#options.keyring.seal(newSecret(), record.id) }
    })
    return [...record.webhooks.filter((hook) => hook.format !== format), ...own]
  }

  async #report(client: ClientView, changes: readonly IntegrationChange[]): Promise<void> {
    for (const { types, ...integration } of changes) {
      for (const type of types) await this.#options.health.record(client, integration, type)
    }
  }
}

interface IntegrationChange {
  id: Id
  channel: string
  types: ('create' | 'configure' | 'start' | 'delete')[]
}
