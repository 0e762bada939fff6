import {
  type Channel,
  degrade,
  type Endpoint,
  type Id,
  type Integration,
  type JsonObject,
  type Logger,
  type OutboundContent,
  type Part,
  replaceButtons,
} from '@plugboard/core'
import type { ButtonTokens } from '../button-tokens.js'
import type { Channels, Runtime } from '../channels.js'
import type { OpenIntegration } from '../directory.js'
import { classify } from './classify.js'
import { inTime, pause } from './in-time.js'
import type { RateLimiter } from './rate-limiter.js'
import type { Control } from './serial-transport.js'
import type { DeliveryFailure } from './transport.js'
import { showTyping, typingMsOf } from './typing.js'

/** Where a channel's parts go. */
export interface EndpointAddress {
  clientId: Id
  conversationId: Id
  integration: OpenIntegration
  endpoint: Endpoint & { id: Id }
  /** Where the provider calls for the integration. */
  webhookUrl: string
}

/** One entry for an endpoint. */
export interface EndpointItem {
  seq: number
  id: string
  messageId: Id
  /** JSON text. */
  payload: string
  /** Parts that the provider has already. */
  part: number
  /** Attempts that failed. */
  attempt: number
}

export interface ChannelDeliveryOptions {
  channels: Channels
  tokens: ButtonTokens
  limiter: RateLimiter
  /** The longest that one part may take. */
  timeoutMs: number
  log: Logger
}

interface Connected {
  channel: Channel
  runtime: Runtime
  integration: Integration<unknown, unknown>
}

/**
 * Delivers one entry to an endpoint: degrades, renders, shows typing where the message wants it, and delivers part by
 * part, within the provider's rate, telling of each that arrived. Answers the failure, if there was one, or `withdrawn`
 * when it was taken back while it waited; never throws.
 */
export function channelDelivery({ channels, tokens, limiter, timeoutMs, log }: ChannelDeliveryOptions) {
  return async (
    address: EndpointAddress,
    item: EndpointItem,
    { signal, waiting }: Control,
    progressed: (parts: number) => void,
  ): Promise<DeliveryFailure | 'withdrawn' | undefined> => {
    let done = item.part
    let runtime: Runtime | undefined
    try {
      const connecting = () => channels.connect(address.clientId, address.integration)
      const connected: Connected = await inTime(timeoutMs, signal, connecting)
      runtime = connected.runtime
      const payload = JSON.parse(item.payload) as JsonObject
      const parts = renderParts(connected, tokens, payload, address, item)
      if (parts.length === 0) return { kind: 'invalid', message: 'the channel cannot show this content' }
      const contextOf = (i: number, signal: AbortSignal) => ({
        endpoint: endpointOf(address),
        integration: connected.integration,
        webhookUrl: address.webhookUrl,
        deliveryId: parts.length === 1 ? item.id : `${item.id}_${i}`,
        signal,
      })
      const typingMs = item.attempt + done === 0 ? typingMsOf(payload) : undefined
      if (typingMs !== undefined) {
        const { indicateTyping: indicate } = connected.runtime
        const shown = showTyping(
          typingMs,
          waiting(),
          indicate && (async (signal) => indicate.call(connected.runtime, contextOf(0, signal))),
          (err) => log.debug({ err: nameOf(err), clientId: address.clientId }, 'typing could not be shown'),
        )
        if (!(await shown)) return 'withdrawn'
      }
      for (const [i, part] of parts.entries()) {
        if (i < done) continue
        if (!(await haveTurn(limiter, connected.channel, address, waiting))) return 'withdrawn'
        await inTime(timeoutMs, signal, (signal) => connected.runtime.deliver(part, contextOf(i, signal)))
        done = i + 1
        if (done < parts.length) progressed(done)
      }
      return undefined
    } catch (error) {
      return { ...classify(runtime, error), parts: done }
    }
  }
}

/** What an error may show in the log: its text may hold what a person wrote, or a credential. */
const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error)

const endpointOf = ({ endpoint: { identity, sender, thread } }: EndpointAddress): Endpoint => ({
  identity,
  sender,
  thread,
})

/** Waits until the provider takes one more, first here and then at all; false when it was taken back meanwhile. */
async function haveTurn(
  limiter: RateLimiter,
  { capabilities: { rate } }: Channel,
  { integration, endpoint }: EndpointAddress,
  waiting: () => AbortSignal,
): Promise<boolean> {
  const buckets = [
    [`e${endpoint.id}`, rate?.perEndpoint],
    [`i${integration.id}`, rate?.perIntegration],
  ] as const
  for (const [key, perSecond] of buckets) {
    if (perSecond === undefined) continue
    const waitMs = limiter.take(key, perSecond, Date.now())
    if (waitMs === 0 || (await pause(waitMs, waiting()))) continue
    limiter.giveBack(key, perSecond)
    return false
  }
  return true
}

function renderParts(
  { channel: { capabilities }, runtime }: Connected,
  tokens: ButtonTokens,
  payload: JsonObject,
  address: EndpointAddress,
  { messageId }: EndpointItem,
): Part[] {
  const { clientId, conversationId } = address
  const sealed =
    capabilities.content === 'any'
      ? payload
      : replaceButtons(payload, (index) => tokens.seal({ clientId, conversationId, messageId }, index))
  const { contents = [] } = degrade(sealed, capabilities) ?? {}
  return contents.flatMap((content: OutboundContent) => runtime.render(content, endpointOf(address)))
}
