import { type Config, configSchema } from '@plugboard/channel-web'
import { PlugboardError } from '@plugboard/core'
import {
  type ChannelRef,
  type ClientView,
  channelRefOf,
  encodeChannel,
  type Hub,
  integrationNamed,
  type OpenIntegration,
} from '@plugboard/hub'
import { findClient } from '../http/provider-webhooks.js'

/** The channel that this API serves. */
const CHANNEL = 'web'

/** A client's integration of the channel, and what it configures. */
export interface Site {
  client: ClientView
  integration: OpenIntegration
  channel: ChannelRef
  config: Config
}

/** In front of the name of an integration, if that is not `web`. */
const SEPARATOR = '~'

/** Finds the sites of requests. */
export class Sites {
  readonly #hub: Pick<Hub, 'clients' | 'channels'>
  /** Parsed configurations. A changed one is another object. */
  readonly #configs = new WeakMap<OpenIntegration, Config>()

  constructor(hub: Pick<Hub, 'clients' | 'channels'>) {
    this.#hub = hub
  }

  /**
   * The site of a text in a URL: the client's id or name, or `CLIENT~INTEGRATION`. Undefined alike for an unknown client
   * and for one without this channel.
   */
  async find(text: string): Promise<Site | undefined> {
    if (!this.#hub.channels.find(CHANNEL)) return undefined
    const at = text.lastIndexOf(SEPARATOR)
    const whole = await this.#siteOf(text, CHANNEL)
    return whole ?? (at < 0 ? undefined : this.#siteOf(text.slice(0, at), text.slice(at + 1)))
  }

  /** @throws NOT_FOUND */
  async get(text: string): Promise<Site> {
    const site = await this.find(text)
    if (!site) throw new PlugboardError('NOT_FOUND', 'Not found')
    return site
  }

  async #siteOf(name: string, integrationName: string): Promise<Site | undefined> {
    const client = await findClient(this.#hub, name)
    const integration = client && integrationNamed(client, integrationName)
    if (!client || integration?.channel !== CHANNEL) return undefined
    return { client, integration, channel: channelRefOf(integration), config: this.#configOf(integration) }
  }

  #configOf(integration: OpenIntegration): Config {
    const known = this.#configs.get(integration)
    if (known) return known
    const config = configSchema.parse(integration.config)
    this.#configs.set(integration, config)
    return config
  }
}

/** Whether a channel of an endpoint is the integration of a site. */
export const isOfSite = (channel: ChannelRef, site: Site): boolean =>
  !channel.custom && encodeChannel(channel) === encodeChannel(site.channel)
