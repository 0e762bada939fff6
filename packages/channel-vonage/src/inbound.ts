import {
  type Endpoint,
  type InboundEvent,
  type InboundRequest,
  invalid,
  type JsonObject,
  jsonObjectOf,
  type Received,
  readJson,
} from '@plugboard/core'
import { contentsOf } from './contents.js'
import { deliveryEvents } from './delivery-status.js'
import { addressOf } from './endpoint.js'
import { aliasesOf, personOf } from './person.js'
import { contextOf } from './reading.js'
import { timeOf, type Webhook, webhookSchema } from './webhook.js'

const response = { status: 200 }

/** https://developer.vonage.com/en/api/messages#webhooks: a message of a person, or a status of a sent one. */
export function parse({ method, body }: InboundRequest): Received {
  if (method !== 'POST') throw invalid({ path: ['method'], message: 'must be POST' })
  const { data: webhook, error } = webhookSchema.safeParse(readJson(body))
  if (!webhook)
    throw invalid(...error.issues.map(({ path, message }) => ({ path: path.map(String), message })))
  const events = webhook.status === undefined ? personEvents(webhook) : deliveryEvents(webhook)
  return { events, response }
}

function personEvents(webhook: Webhook): InboundEvent[] {
  const { channel, message_uuid: key, from, to, context, whatsapp } = webhook
  const endpoint: Endpoint = {
    identity: addressOf(channel, to),
    sender: addressOf(channel, from),
    thread: '*',
  }
  const aliases = channel === 'whatsapp' ? aliasesOf(endpoint, whatsapp?.sender) : undefined
  const remembered = contextOf(webhook)
  const about = {
    ...{ dedupeKey: key, endpoint, at: timeOf(webhook), person: personOf(webhook) },
    ...(aliases && { aliases }),
    ...(remembered && { context: remembered }),
    ...(context?.message_uuid !== undefined && { refersTo: context.message_uuid }),
  }
  const event = reactionIn(webhook) ?? pressIn(webhook)
  if (event) return [{ ...about, ...event }]
  const shared = {
    ...(context?.message_uuid !== undefined && { replyTo: context.message_uuid }),
    ...originOf(webhook),
  }
  return contentsOf(webhook).map((content, i) => ({
    ...about,
    type: 'message',
    dedupeKey: i === 0 ? key : `${key}:${i}`,
    content: { ...content, ...shared },
  }))
}

function reactionIn({ reaction, context }: Webhook) {
  const messageKey = context?.message_uuid
  if (!reaction || messageKey === undefined) return undefined
  const { action, emoji = '' } = reaction
  return { type: 'reaction', messageKey, emoji, isRemoved: action === 'unreact' || emoji === '' } as const
}

/** A pressed button, a chosen item of a list, or a quick reply of a template with a value. */
function pressIn({ reply, button }: Webhook) {
  if (reply) {
    const { id: token, title: label } = reply
    return { type: 'choice', token, ...(label && { label }) } as const
  }
  const { payload, text: label } = button ?? {}
  if (typeof payload !== 'string' || payload === '') return undefined
  return { type: 'choice', token: payload, ...(label && { label }) } as const
}

/** The advertisement or post that a message came from, by the names of its fields at Vonage. */
const REFERRAL = {
  body: 'body',
  headline: 'headline',
  sourceId: 'source_id',
  sourceType: 'source_type',
  sourceUrl: 'source_url',
  mediaType: 'media_type',
  imageUrl: 'image_url',
  videoUrl: 'video_url',
  thumbnailUrl: 'thumbnail_url',
  clickId: 'ctwa_clid',
} as const

function originOf({ whatsapp }: Webhook): JsonObject {
  const given = jsonObjectOf(whatsapp?.referral)
  const referral = Object.entries(REFERRAL).flatMap(([name, field]) => {
    const value = given[field]
    return typeof value === 'string' && value !== '' ? [[name, value]] : []
  })
  return referral.length > 0 ? { referral: Object.fromEntries(referral) } : {}
}
