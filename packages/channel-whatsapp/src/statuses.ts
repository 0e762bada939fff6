import { type DeliveryStatus, type Endpoint, type InboundEvent, isStorable } from '@plugboard/core'
import { z } from 'zod'
import { numberIn, userIdIn } from './endpoint.js'
import { failureOfStatus } from './failure.js'
import { messageId, seconds } from './message-parts.js'

/**
 * What comes back in each status of a message: the delivery that it is of.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status/
 */
const MARK = /^([\w-]{1,64})(\.second)?$/

/** `isSecondForm`: `deliver` sent it in place of a form that WhatsApp had refused at once. */
export const markOf = (deliveryId: string, { isSecondForm = false } = {}): string =>
  isSecondForm ? `${deliveryId}.second` : deliveryId

/** `played` is of a voice message, and follows `read`. */
const STATUSES: Readonly<Record<string, DeliveryStatus>> = {
  sent: 'sent',
  delivered: 'delivered',
  read: 'read',
  played: 'read',
  failed: 'failed',
}

const statusSchema = z.object({
  id: messageId,
  status: z.string(),
  timestamp: seconds,
  biz_opaque_callback_data: z.string().regex(MARK),
  recipient_id: z.string().max(256).refine(isStorable).optional().catch(undefined),
  recipient_user_id: z.string().optional().catch(undefined),
  recipient_type: z.string().optional().catch(undefined),
  recipient_participant_id: z.string().optional().catch(undefined),
  errors: z
    .array(
      z.object({
        code: z.int(),
        title: z.string().optional().catch(undefined),
        error_data: z
          .object({ details: z.string().optional().catch(undefined) })
          .optional()
          .catch(undefined),
      }),
    )
    .optional()
    .catch(undefined),
})

/** The status of a message; undefined for one of another program with this number, and for an unknown status. */
export function eventOfStatus(value: unknown, identity: string): InboundEvent | undefined {
  const { data } = statusSchema.safeParse(value)
  const status = data && Object.hasOwn(STATUSES, data.status) ? STATUSES[data.status] : undefined
  const endpoint = data && endpointOf(data, identity)
  if (!data || !status || !endpoint) return undefined
  const [, deliveryId = '', second] = MARK.exec(data.biz_opaque_callback_data) ?? []
  const event = {
    ...({ type: 'delivery', dedupeKey: `${data.id}:${data.status}`, endpoint, at: data.timestamp } as const),
    deliveryId,
  }
  if (status !== 'failed') return { ...event, status }
  const [error] = data.errors ?? []
  const { failure, isContentRefused } = failureOfStatus(
    error?.code,
    error?.error_data?.details ?? error?.title,
  )
  return {
    ...{ ...event, status, failure },
    ...(isContentRefused && second === undefined && { isContentRefused }),
  }
}

/** In a group, the status is of one of its people. */
function endpointOf(status: z.infer<typeof statusSchema>, identity: string): Endpoint | undefined {
  const { recipient_id, recipient_user_id, recipient_type, recipient_participant_id } = status
  const isInGroup = recipient_type === 'group' && recipient_id !== undefined
  const number = numberIn(isInGroup ? recipient_participant_id : recipient_id)
  const sender = number ?? userIdIn(recipient_user_id)
  if (isInGroup) return { identity, sender: sender ?? '*', thread: recipient_id }
  return sender === undefined ? undefined : { identity, sender, thread: '*' }
}
