import type { DeliveryContext } from '@plugboard/core'
import { z } from 'zod'
import type { Call, Session } from './api.js'
import type { Config } from './config.js'
import { isGroup } from './endpoint.js'

const contextSchema = z.object({ messageId: z.string() })

/**
 * Marks the last message of the person, and all before it, as read; `typing` also shows the indicator for up to 25 seconds,
 * which WhatsApp has only together. Nothing before the person has written, and in groups, which have neither.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/typing-indicators
 */
export const readMark =
  (call: Call, { typing = false } = {}) =>
  async (context: DeliveryContext<Config, Session>): Promise<void> => {
    const last = contextSchema.safeParse(context.context?.value).data
    if (!last || isGroup(context.endpoint)) return
    const json = {
      ...{ messaging_product: 'whatsapp', status: 'read', message_id: last.messageId },
      ...(typing && { typing_indicator: { type: 'text' } }),
    }
    await call({ path: [context.integration.config.phoneNumberId, 'messages'], json }, context)
  }
