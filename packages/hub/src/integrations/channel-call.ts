import type { Failure, Id, IntegrationMode, IntegrationState } from '@plugboard/core'
import { withTimeout } from '../channels/call-timeout.js'
import type { Channels, Runtime } from '../channels/channels.js'
import { classify } from '../channels/classify-error.js'
import { setupOf } from '../channels/setup-call.js'
import type { OpenIntegration } from '../clients/open-integration.js'
import type { PublicAddresses } from '../ports/public-addresses.js'

/** An integration as it is or was set up at its provider. */
export type Installed = Pick<OpenIntegration, 'id' | 'name' | 'channel' | 'config'>

/** What is asked of the channel: to set up its provider for a mode, to take that back, or to check the credentials. */
export type ChannelTask = IntegrationMode | 'take-back' | 'check'

export interface ChannelCallsOptions {
  channels: Channels
  urls: PublicAddresses
  /** Time limit of one call of a channel, in milliseconds. */
  timeoutMs: number
}

/**
 * Calls the channel of an integration with a session of its own. A setup calls `check` if the channel has nothing to set
 * up, and a call that the channel does not have does nothing. Returns why it failed.
 */
export async function callChannel(
  { channels, urls, timeoutMs }: ChannelCallsOptions,
  task: ChannelTask,
  { clientId, integration: of }: { clientId: Id; integration: Installed },
  state: IntegrationState,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const { id, name, channel, config } = of
  let runtime: Runtime | undefined
  try {
    await withTimeout(timeoutMs, signal, async (signal) => {
      runtime = await channels.runtime(channel)
      const call = callOf(runtime, task)
      if (!call) return
      const session = runtime.connect(config)
      try {
        const integration = { clientId, id, name, config, session }
        await call.call(runtime, { integration, state, webhookUrl: urls.webhook(clientId, name), signal })
      } finally {
        runtime.disconnect?.(session)
      }
    })
    return undefined
  } catch (error) {
    return classify(runtime, error)
  }
}

function callOf(runtime: Runtime, task: ChannelTask): Runtime['check'] {
  if (task === 'take-back') return runtime.unprovision
  return (task === 'check' ? undefined : setupOf(runtime, task)) ?? runtime.check
}
