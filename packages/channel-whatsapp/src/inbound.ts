import {
  type Endpoint,
  type InboundEvent,
  type InboundRequest,
  type Integration,
  invalid,
  type Received,
  readJson,
} from '@plugboard/core'
import { answerHandshake } from '@plugboard/graph-api'
import { z } from 'zod'
import type { Session } from './api.js'
import type { Config } from './config.js'
import { userIdIn } from './endpoint.js'
import { MAX_JSON_VALUES } from './limits.js'
import { eventsOfMessage } from './messages.js'
import { eventOfStatus } from './statuses.js'

const response = { status: 200 }

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages */
const notificationSchema = z.object({
  object: z.literal('whatsapp_business_account'),
  entry: z.array(z.unknown()),
})
const entrySchema = z.object({ changes: z.array(z.unknown()) })
const changeSchema = z.object({ field: z.string(), value: z.looseObject({}) })
const metadataSchema = z.object({ phone_number_id: z.string().regex(/^\d{1,32}$/) })
const listSchema = z.array(z.unknown())

/** Something that happened, with the number of the business that it belongs to. */
interface Change {
  field: string
  value: Record<string, unknown>
  /** Absent for what concerns the account. */
  phoneNumberId?: string
}

/**
 * The events of the integration's own number, in order. Meta puts several into a request, and may mix numbers. Messages of
 * the business, which come back from its app on a telephone, have another field and are ignored.
 */
export function parse(
  request: InboundRequest,
  { config }: Pick<Integration<Config, Session>, 'config'>,
): Received {
  const handshake = answerHandshake(request)
  if (handshake) return { events: [], response: handshake }
  const { phoneNumberId } = config
  const events = changesIn(request)
    .filter((change) => (change.phoneNumberId ?? phoneNumberId) === phoneNumberId)
    .flatMap((change) => eventsOf(change, phoneNumberId))
  return { events, response }
}

/** The numbers that a request has events of. None for what is no notification of WhatsApp. */
export function phoneNumberIdsIn(request: InboundRequest): string[] {
  try {
    return [...new Set(changesIn(request).flatMap(({ phoneNumberId }) => phoneNumberId ?? []))]
  } catch {
    return []
  }
}

function changesIn({ body }: InboundRequest): Change[] {
  const notification = notificationSchema.safeParse(readJson(body, 'body', { maxValues: MAX_JSON_VALUES }))
  if (!notification.success)
    throw invalid({ path: ['object'], message: 'must be whatsapp_business_account, with a list of entries' })
  return notification.data.entry
    .flatMap((entry) => entrySchema.safeParse(entry).data?.changes ?? [])
    .flatMap((change) => {
      const { data } = changeSchema.safeParse(change)
      if (!data) return []
      const phoneNumberId = metadataSchema.safeParse(data.value.metadata).data?.phone_number_id
      return [{ ...data, ...(phoneNumberId !== undefined && { phoneNumberId }) }]
    })
}

const listIn = (value: unknown): readonly unknown[] => listSchema.safeParse(value).data ?? []

function eventsOf({ field, value }: Change, identity: string): InboundEvent[] {
  if (field === 'messages') {
    return [
      ...listIn(value.messages).flatMap((message) => eventsOfMessage(message, value.contacts, identity)),
      ...listIn(value.statuses).flatMap((status) => eventOfStatus(status, identity) ?? []),
    ]
  }
  if (field === 'user_id_update')
    return listIn(value.user_id_update).flatMap((update) => eventsOfUpdate(update, identity))
  return []
}

const changedSchema = z.object({ previous: z.string(), current: z.string() }).optional().catch(undefined)
const updateSchema = z.object({
  user_id: changedSchema,
  parent_user_id: changedSchema,
  timestamp: z.coerce.number().int().min(0).max(1e11).catch(0),
})

/** A person got other ids. Meta has announced this field, and reports the same as a system message. */
function eventsOfUpdate(update: unknown, identity: string): InboundEvent[] {
  const { data } = updateSchema.safeParse(update)
  if (!data) return []
  const at = new Date(data.timestamp * 1000)
  return [data.parent_user_id, data.user_id].flatMap((change) => {
    const [from, to] = [userIdIn(change?.previous), userIdIn(change?.current)]
    if (from === undefined || to === undefined || from === to) return []
    const endpointOf = (sender: string): Endpoint => ({ identity, sender, thread: '*' })
    return [
      {
        ...{ type: 'renamed', dedupeKey: `renamed:${from}:${to}`, at },
        ...{ endpoint: endpointOf(from), to: endpointOf(to) },
      },
    ]
  })
}
