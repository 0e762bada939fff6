import { type Id, type IntegrationMode, invalid, type JsonObject } from '@plugboard/core'
import { withTimeout } from '../channels/call-timeout.js'
import type { Channels, Runtime } from '../channels/channels.js'
import { classify } from '../channels/classify-error.js'
import { NO_STATE } from '../channels/integration-states.js'
import { setupOf } from '../channels/setup-call.js'
import type { PublicAddresses } from '../ports/public-addresses.js'

export interface ProbeOptions {
  channels: Channels
  urls: PublicAddresses
  /** How long a sync waits for providers, in milliseconds. */
  timeoutMs: number
}

/** A new configuration of an integration that may not exist yet. */
export interface Probing {
  clientId: Id
  id: Id
  name: string
  channel: string
  config: JsonObject
  mode: IntegrationMode
}

/** Result of checking a new configuration. */
export interface Probed {
  /** Whether the provider must be set up, or asked again. */
  isPending: boolean
  /** Why the provider could not check it. */
  reason?: string
}

/**
 * Checks a new configuration with its provider. An unreachable provider is no reason to reject it.
 * @throws INVALID if the provider rejects the credentials
 */
export async function probe(
  { channels, urls, timeoutMs }: ProbeOptions,
  { clientId, id, name, channel, config, mode }: Probing,
): Promise<Probed> {
  let runtime: Runtime | undefined
  const never = new AbortController()
  const asking = withTimeout(timeoutMs, never.signal, async (signal) => {
    runtime = await channels.runtime(channel)
    if (!runtime.check) return
    const session = runtime.connect(config)
    const integration = { clientId, id, name, config, session }
    try {
      await runtime.check({ integration, state: NO_STATE, webhookUrl: urls.webhook(clientId, name), signal })
    } finally {
      runtime.disconnect?.(session)
    }
  })
  const deadline = Date.now() + timeoutMs
  try {
    const isAnswered = await Promise.race([asking.then(() => true), after(timeoutMs)])
    if (!isAnswered) return LATE
    const isPending = runtime !== undefined && (setupOf(runtime, mode) ?? runtime.refresh) !== undefined
    return { isPending }
  } catch (error) {
    const failure = classify(runtime, error)
    if (failure.kind !== 'auth')
      return Date.now() < deadline ? { isPending: true, reason: failure.message } : LATE
    const { field, message } = failure
    const path = ['channels', name, ...(field === undefined ? [] : [field])]
    throw invalid({ path, message: `was refused by the provider: ${message}` })
  } finally {
    asking.catch(() => undefined)
  }
}

const LATE: Probed = { isPending: true, reason: 'the provider did not respond in time' }

const after = (ms: number): Promise<false> =>
  new Promise((resolve) => setTimeout(() => resolve(false), ms).unref())
