import {
  degrade,
  type Endpoint,
  type Failure,
  type Integration,
  type JsonObject,
  type OutboundContent,
  type Part,
} from '@plugboard/core'
import type { Channels, Runtime } from '../channels.js'
import type { OpenIntegration } from '../directory.js'
import type { DeliveryFailure } from './transport.js'

/** Where a channel's parts go. */
export interface EndpointAddress {
  clientId: string
  integration: OpenIntegration
  endpoint: Endpoint
  /** Where the provider calls for the integration. */
  webhookUrl: string
}

/** One entry for an endpoint. */
export interface EndpointItem {
  seq: number
  id: string
  /** JSON text. */
  payload: string
  /** Parts that the provider has already. */
  part: number
}

export interface ChannelDeliveryOptions {
  channels: Channels
  /** The longest that one part may take. */
  timeoutMs: number
}

/** How long a channel has to say how an attempt ended that was aborted, before it is given up. */
const LAST_WORDS_MS = 1000

class GivenUp extends Error {}

/**
 * Delivers one entry to an endpoint: degrades, renders, and delivers part by part, telling of each that arrived.
 * Answers the failure, if there was one; never throws.
 */
export function channelDelivery({ channels, timeoutMs }: ChannelDeliveryOptions) {
  return async (
    address: EndpointAddress,
    item: EndpointItem,
    signal: AbortSignal,
    progressed: (parts: number) => void,
  ): Promise<DeliveryFailure | undefined> => {
    let done = item.part
    let runtime: Runtime | undefined
    try {
      const connecting = () => channels.connect(address.clientId, address.integration)
      const connected = await inTime(timeoutMs, signal, connecting)
      runtime = connected.runtime
      const parts = renderParts(connected.channel.capabilities, runtime, item, address.endpoint)
      if (parts.length === 0) return { kind: 'invalid', message: 'the channel cannot show this content' }
      for (const [i, part] of parts.entries()) {
        if (i < done) continue
        const integration: Integration<unknown, unknown> = connected.integration
        const deliveryId = parts.length === 1 ? item.id : `${item.id}_${i}`
        const { endpoint, webhookUrl } = address
        await inTime(timeoutMs, signal, (signal) =>
          connected.runtime.deliver(part, { endpoint, integration, webhookUrl, deliveryId, signal }),
        )
        done = i + 1
        if (done < parts.length) progressed(done)
      }
      return undefined
    } catch (error) {
      return { ...classify(runtime, error), parts: done }
    }
  }
}

function renderParts(
  capabilities: Parameters<typeof degrade>[1],
  runtime: Runtime,
  item: EndpointItem,
  endpoint: Endpoint,
): Part[] {
  const degraded = degrade(JSON.parse(item.payload) as JsonObject, capabilities)
  return (degraded?.contents ?? []).flatMap((content: OutboundContent) => runtime.render(content, endpoint))
}

/**
 * Does something with a signal that ends it after a time, or with `outer`. A channel that does not heed the signal is
 * given up, so that it holds nothing up. (`AbortSignal.any` would do, but leaves memory behind at an `outer` that lives
 * long.)
 */
function inTime<T>(
  timeoutMs: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  return new Promise<T>((resolve, reject) => {
    let timer = setTimeout(abort, timeoutMs)
    function abort(): void {
      clearTimeout(timer)
      timer = setTimeout(() => reject(new GivenUp()), LAST_WORDS_MS)
      controller.abort(new DOMException('the attempt took too long', 'TimeoutError'))
    }
    outer.addEventListener('abort', abort)
    if (outer.aborted) abort()
    work(controller.signal)
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(timer)
        outer.removeEventListener('abort', abort)
      })
  })
}

/** A channel that cannot be loaded, or whose `classify` fails, is a fault that passes. */
function classify(runtime: Runtime | undefined, error: unknown): Failure {
  if (error instanceof GivenUp) return { kind: 'ambiguous', message: 'the channel did not end in time' }
  try {
    return runtime?.classify(error) ?? { kind: 'transient', message: 'the channel could not be loaded' }
  } catch {
    return { kind: 'ambiguous', message: 'the channel failed in a way that it does not know' }
  }
}
