import type { Endpoint, Logger } from '@plugboard/core'
import { withTimeout } from '../channels/call-timeout.js'
import type { Channels } from '../channels/channels.js'
import { errorShape } from '../channels/loggable-error.js'
import type { ClientView } from '../clients/directory.js'
import { integrationOf } from '../clients/open-integration.js'
import type { EndpointStates } from '../delivery/to-channels/endpoint-states.js'
import type { ChannelRef, EndpointRecord } from '../log/endpoint-record.js'
import type { PublicAddresses } from '../ports/public-addresses.js'

export interface SignalsOptions {
  channels: Channels
  states: Pick<EndpointStates, 'read'>
  /** Where an endpoint is now; undefined if that is the endpoint itself. */
  currentOf(client: ClientView, channel: ChannelRef, endpoint: Endpoint): Promise<Endpoint> | undefined
  urls: PublicAddresses
  /** Time limit of a provider call, in milliseconds. */
  timeoutMs: number
  log: Logger
}

/** A member of a channel that shows people what the business does. */
export type Signal = 'indicateTyping' | 'markRead'

/** Shows people what the business does. Nobody waits for the calls, and failures are ignored. */
export class Signals {
  readonly #options: SignalsOptions
  readonly #abort = new AbortController()

  constructor(options: SignalsOptions) {
    this.#options = options
  }

  send(client: ClientView, endpoints: readonly EndpointRecord[], signal: Signal): void {
    for (const endpoint of endpoints) {
      this.#send(client, endpoint, signal).catch((error) => {
        this.#options.log.debug({ ...errorShape(error), clientId: client.id, signal }, 'cannot show a signal')
      })
    }
  }

  close(): void {
    this.#abort.abort()
  }

  async #send(client: ClientView, endpoint: EndpointRecord, name: Signal): Promise<void> {
    const { channels, states, urls, timeoutMs, currentOf } = this.#options
    const { id, channel, identity, sender, thread } = endpoint
    const open = integrationOf(client, channel)
    if (!open || open.status === 'paused' || !channels.find(open.channel)) return
    const connected = await channels.connect(client.id, open)
    const { runtime, integration, state } = connected
    if (!runtime[name]) return
    const place = { identity, sender, thread }
    const current = (await currentOf(client, channel, place)) ?? place
    const { context } = connected.channel.capabilities.context ? await states.read(client.id, id) : {}
    await withTimeout(timeoutMs, this.#abort.signal, async (signal) => {
      await runtime[name]?.({
        integration,
        state,
        endpoint: current,
        webhookUrl: urls.webhook(client.id, open.name),
        deliveryId: `${IDS[name]}-${id}`,
        ...(context && { context }),
        signal,
      })
    })
  }
}

const IDS: Readonly<Record<Signal, string>> = { indicateTyping: 'typing', markRead: 'read' }
