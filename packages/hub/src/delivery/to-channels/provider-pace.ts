import { type Channel, capabilitiesAt, type Failure, type Pace } from '@plugboard/core'
import { pause } from '../../channels/call-timeout.js'
import { rateLimitMs } from '../retry.js'
import { type EndpointAddress, endpointOf } from './endpoint-address.js'
import type { RateLimiter } from './rate-limiter.js'

const bucketOf = {
  endpoint: ({ endpoint }: EndpointAddress) => `e${endpoint.id}`,
  integration: ({ integration }: EndpointAddress) => `i${integration.id}`,
}

/** What the provider limits gets nothing for the time that it asked for, over all lanes, and no burst then. */
export function hold(
  limiter: RateLimiter,
  address: EndpointAddress,
  channel: Channel | undefined,
  { scope, retryAfterMs }: Extract<Failure, { kind: 'rate-limited' }>,
): void {
  const { perEndpoint, perIntegration } =
    (channel && capabilitiesAt(channel.capabilities, endpointOf(address)))?.rate ?? {}
  const pace = scope === 'endpoint' ? perEndpoint : perIntegration
  const now = Date.now()
  if (pace) limiter.hold(bucketOf[scope](address), pace, now + rateLimitMs(retryAfterMs), now)
}

/**
 * Waits until the provider takes one more part: first from this endpoint, then from the integration. Undefined when the
 * wait was aborted. A turn that is not used is given back.
 */
export async function takeTurn(
  limiter: RateLimiter,
  { capabilities }: Channel,
  address: EndpointAddress,
  waiting: AbortSignal,
): Promise<{ giveBack(): void } | undefined> {
  const taken: (readonly [key: string, pace: Pace])[] = []
  const giveBack = (): void => {
    for (const bucket of taken) limiter.giveBack(...bucket)
  }
  const { rate } = capabilitiesAt(capabilities, endpointOf(address))
  const buckets = [
    [bucketOf.endpoint(address), rate?.perEndpoint],
    [bucketOf.integration(address), rate?.perIntegration],
  ] as const
  for (const [key, pace] of buckets) {
    if (pace === undefined) continue
    const waitMs = limiter.take(key, pace, Date.now())
    taken.push([key, pace])
    if (waitMs === 0 || (await pause(waitMs, waiting))) continue
    giveBack()
    return undefined
  }
  return { giveBack }
}
