import type { Capabilities, Endpoint, InboundEvent } from '@plugboard/core'

/** Whether replies to an endpoint are limited in time. */
export const hasWindow = ({ window }: Pick<Capabilities, 'window'>, endpoint: Endpoint): boolean =>
  window !== undefined && (window.appliesTo?.(endpoint) ?? true)

/** Whether an event of a person opens the reply window of its endpoint again. */
export const opensWindow = ({ type }: Pick<InboundEvent, 'type'>): boolean => OPENING.has(type)

/** Events in which a person acts. Providers do not agree on whether all of them open the window; in doubt, they refuse. */
const OPENING: ReadonlySet<InboundEvent['type']> = new Set([
  'message',
  'choice',
  'started',
  'edited',
  'reaction',
])

const HOUR_MS = 60 * 60 * 1000

/** Why the endpoint gets templates only; undefined if its window is open, or nobody knows: then the provider decides. */
export function closedWindow(
  capabilities: Capabilities,
  endpoint: Endpoint,
  { lastInboundAt }: { lastInboundAt?: Date },
): string | undefined {
  const { window } = capabilities
  if (!window || !lastInboundAt || !hasWindow(capabilities, endpoint)) return undefined
  const { hours, allows } = window
  const closedAt = new Date(lastInboundAt.getTime() + hours * HOUR_MS)
  if (closedAt.getTime() > Date.now()) return undefined
  return `the reply window closed at ${closedAt.toISOString()}, ${hours} hours after the last message of the person; only ${allows} may be sent until the person writes again`
}
