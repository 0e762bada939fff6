import type { DeliveryFailure, WebhookSender as Transport } from '@plugboard/hub'
import type { SendFailure, WebhookSender } from './sender-port.js'

/** The webhook sender as the hub wants it: says which kind a failure is of, and which cancel took effect. */
export function senderTransport(sender: WebhookSender): Transport {
  /** Generations whose cancel is not confirmed, by lane, in order. */
  const cancels = new Map<number, number[]>()
  return {
    start(listener) {
      sender.start({
        delivered: (lane, generation, seq) => listener.delivered(lane, generation, seq),
        failed: (lane, generation, seq, failure) =>
          listener.failed(lane, generation, seq, asDeliveryFailure(failure)),
        cancelled(lane) {
          const waiting = cancels.get(lane) ?? []
          const generation = waiting.shift()
          if (waiting.length === 0) cancels.delete(lane)
          if (generation !== undefined) listener.cancelled(lane, generation)
        },
        expired: (lane, generation) => listener.expired(lane, generation),
      })
    },
    push: (...what) => sender.push(...what),
    renew: (lane, leaseEndsAt) => sender.renew(lane, leaseEndsAt),
    cancel(lane, generation) {
      cancels.set(lane, [...(cancels.get(lane) ?? []), generation])
      sender.cancel(lane)
    },
    close: (graceMs) => sender.close(graceMs),
  }
}

/** No status is final by itself: that is for the webhook's dialect to say. */
function asDeliveryFailure({ ambiguous, message, retryAfterMs, status }: SendFailure): DeliveryFailure {
  const answer = status !== undefined && { status }
  if (ambiguous) return { kind: 'ambiguous', message, ...answer }
  return { kind: 'transient', message, ...(retryAfterMs !== undefined && { retryAfterMs }), ...answer }
}
