import {
  type Alias,
  type Endpoint,
  type InboundContent,
  type InboundEvent,
  type InboundRequest,
  invalid,
  isStorable,
  type JsonObject,
  jsonFault,
  type Person,
  parseJsonObject,
  type Received,
  readJson,
} from '@plugboard/core'
import { z } from 'zod'
import { deliveryIn, deliveryUpdate } from './delivery-status.js'
import { isWhatsApp, WHATSAPP } from './endpoint.js'
import { mediaUrl } from './media.js'

/** Most files of a message at Twilio. */
const MAX_MEDIA = 10
const MAX_ID = 200

/** Twilio sends no time, so the host uses the time of receipt. */
const UNKNOWN_TIME = new Date(0)

/** The documented answer that sends nothing to the person. */
const response = { status: 200, headers: { 'content-type': 'text/xml' }, body: '<Response></Response>' }

type Fields = ReadonlyMap<string, string>

/** https://www.twilio.com/docs/messaging/guides/webhook-request: a message of a person, or a status of a sent one. */
export const parse =
  (apiBaseUrl: string) =>
  (request: InboundRequest): Received => {
    const fields = fieldsOf(request)
    const sid = idIn(fields, 'MessageSid', 'SmsSid')
    const status = fields.get('MessageStatus') || fields.get('SmsStatus')
    const isCallback = status !== undefined && status !== 'received' && status !== 'receiving'
    const events = isCallback
      ? deliveryEvents(request.publicUrl, sid, status, fields)
      : personEvents(apiBaseUrl, sid, fields)
    return { events, response }
  }

function deliveryEvents(publicUrl: string, sid: string, status: string, fields: Fields): InboundEvent[] {
  const isRead = fields.get('EventType') === 'READ'
  const update = deliveryUpdate(isRead ? 'read' : status, fields.get('ErrorCode'))
  const { deliveryId, isSecondForm } = deliveryIn(publicUrl) ?? {}
  if (!update || deliveryId === undefined || !isId(deliveryId)) return []
  const { isContentRefused, ...told } = update
  // Missing if a messaging service found no number to send from.
  const identity = fields.get('From') ? idIn(fields, 'From') : '*'
  const endpoint = { identity, sender: idIn(fields, 'To'), thread: '*' }
  return [
    {
      type: 'delivery',
      dedupeKey: `${sid}:${update.status}`,
      endpoint,
      at: UNKNOWN_TIME,
      deliveryId,
      ...told,
      ...(isContentRefused && !isSecondForm && { isContentRefused }),
    },
  ]
}

function personEvents(apiBaseUrl: string, sid: string, fields: Fields): InboundEvent[] {
  const endpoint = { identity: idIn(fields, 'To'), sender: idIn(fields, 'From'), thread: '*' }
  const aliases = aliasesOf(endpoint, fields)
  const about = {
    ...{ dedupeKey: sid, endpoint, at: UNKNOWN_TIME, person: personOf(endpoint, fields) },
    ...(aliases && { aliases }),
  }
  // Only sent if Twilio itself manages opt-outs.
  const optOut = fields.get('OptOutType')
  if (optOut === 'STOP') return [{ ...about, type: 'blocked' }]
  if (optOut === 'START') return [{ ...about, type: 'started' }]
  const repliedTo = fields.get('OriginalRepliedMessageSid')
  if (fields.get('MessageType') === 'reaction' && repliedTo) {
    const emoji = fields.get('Body') ?? ''
    return [{ ...about, type: 'reaction', messageKey: repliedTo, emoji, isRemoved: emoji === '' }]
  }
  const press = pressedIn(fields)
  if (press) return [{ ...about, ...(repliedTo && { refersTo: repliedTo }), type: 'choice', ...press }]
  const shared = { ...(repliedTo && { replyTo: repliedTo }), ...originOf(fields) }
  return contentsOf(apiBaseUrl, endpoint, fields).map((content, i) => ({
    ...about,
    type: 'message',
    dedupeKey: i === 0 ? sid : `${sid}:${i}`,
    content: { ...content, ...shared },
  }))
}

/**
 * On WhatsApp, the id of the person for this business comes beside the number, or in the place of a hidden one. The
 * number may be another person's later.
 */
function aliasesOf(endpoint: Endpoint, fields: Fields): Alias[] | undefined {
  const { sender } = endpoint
  const id = fields.get('ExternalUserId')
  if (!id || !isId(id) || !isWhatsApp(endpoint)) return undefined
  const alias = id.startsWith(WHATSAPP) ? id : WHATSAPP + id
  return alias === sender ? undefined : [{ sender: alias }, { sender, isReassignable: true }]
}

/** The advertisement or post that a message came from, by the names of its parameters. */
const REFERRAL = {
  body: 'ReferralBody',
  headline: 'ReferralHeadline',
  sourceId: 'ReferralSourceId',
  sourceType: 'ReferralSourceType',
  sourceUrl: 'ReferralSourceUrl',
  mediaId: 'ReferralMediaId',
  mediaContentType: 'ReferralMediaContentType',
  mediaUrl: 'ReferralMediaUrl',
  clickId: 'ReferralCtwaClid',
} as const

/** Where a message comes from: another chat, an advertisement. */
function originOf(fields: Fields): JsonObject {
  const referral = Object.entries(REFERRAL).flatMap(([name, parameter]) => {
    const value = fields.get(parameter)
    return value ? [[name, value]] : []
  })
  return {
    ...(fields.get('Forwarded') === 'true' && { forwarded: true }),
    ...(fields.get('FrequentlyForwarded') === 'true' && { frequentlyForwarded: true }),
    ...(referral.length > 0 && { referral: Object.fromEntries(referral) }),
  }
}

/** The contents of a message: one for each file, the text with the first. */
function contentsOf(apiBaseUrl: string, endpoint: Endpoint, fields: Fields): InboundContent[] {
  const text = fields.get('Body') ?? ''
  const files = filesOf(apiBaseUrl, endpoint, fields)
  const [first, ...others] = files
  if (first && text && first.type === 'text') return [{ type: 'text', text }, ...files]
  if (first) return [{ ...first, ...(text && { title: text }) }, ...others]
  const location = locationOf(fields)
  // WhatsApp has no words beside a place, but repeats its name there.
  if (location && [undefined, '', location.title, location.address].includes(text)) return [location]
  if (location) return [location, { type: 'text', text }]
  if (text) return [{ type: 'text', text }]
  return [notice(fields.get('MessageType') || 'empty message')]
}

/**
 * A pressed button, or a chosen item of a list, of a template. Its value is that of the template, since this channel
 * sends no buttons of its own. A button without a value says its words.
 */
function pressedIn(fields: Fields): { token: string; label?: string } | undefined {
  const token = fields.get('ButtonPayload') || fields.get('ListId')
  if (!token) return undefined
  const label = fields.get('ButtonText') || fields.get('ListTitle') || fields.get('Body')
  return { token, ...(label && { label }) }
}

/** A text for something that cannot be shown: its kind in brackets. */
const notice = (kind: string): InboundContent => ({ type: 'text', text: `[${kind.slice(0, 50)}]` })

function filesOf(apiBaseUrl: string, endpoint: Endpoint, fields: Fields): InboundContent[] {
  const count = Math.min(Number(fields.get('NumMedia')) || 0, MAX_MEDIA)
  return Array.from({ length: count }, (_, i) => {
    const mime = fields.get(`MediaContentType${i}`)?.trim() ?? ''
    const type = typeOf(mime, endpoint)
    const ref = mediaUrl(fields.get(`MediaUrl${i}`) ?? '', apiBaseUrl)?.href
    if (ref === undefined) return notice(type)
    return { type, media: { ref, ...(/^[\w.+-]+\/[^\r\n]{1,100}$/.test(mime) && { mime }) } }
  })
}

/** On WhatsApp, only voice notes are Ogg files. */
function typeOf(mime: string, endpoint: Endpoint): 'image' | 'audio' | 'voice' | 'video' | 'file' {
  if (mime.startsWith('audio/ogg') && isWhatsApp(endpoint)) return 'voice'
  const kind = mime.split('/')[0]
  return kind === 'image' || kind === 'audio' || kind === 'video' ? kind : 'file'
}

function locationOf(fields: Fields): InboundContent | undefined {
  const [latitude, longitude] = [fields.get('Latitude'), fields.get('Longitude')].map(degreesIn)
  if (latitude === undefined || longitude === undefined) return undefined
  if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) return undefined
  const title = fields.get('Label')
  const address = fields.get('Address')
  return { type: 'location', latitude, longitude, ...(title && { title }), ...(address && { address }) }
}

/** Twilio may send an empty parameter, which is not zero. */
const degreesIn = (text: string | undefined): number | undefined => (text?.trim() ? Number(text) : undefined)

function personOf({ sender }: Endpoint, fields: Fields): Person {
  const name = fields.get('ProfileName') || profileNameIn(fields.get('ChannelMetadata'))
  const phone = /\+\d{5,15}$/.exec(sender)?.[0]
  return { ...(name && { name }), ...(phone && { phone, verified: ['phone'] }) }
}

const metadataSchema = z.object({
  data: z.object({ context: z.object({ ProfileName: z.string() }) }),
})

/** The name in the metadata of a channel, which is JSON. None if it is not, or larger than JSON from outside may be. */
const profileNameIn = (metadata = ''): string | undefined =>
  jsonFault(Buffer.from(metadata)) === undefined
    ? metadataSchema.safeParse(parseJsonObject(metadata)).data?.data.context.ProfileName
    : undefined

/** The fields of the form, or of JSON if Twilio is configured to post it. */
function fieldsOf({ method, headers, body }: InboundRequest): Fields {
  if (method !== 'POST') throw invalid({ path: ['method'], message: 'must be POST' })
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (type === 'application/x-www-form-urlencoded')
    return new Map(new URLSearchParams(Buffer.from(body).toString()))
  if (type === 'application/json') return textsIn(readJson(body))
  throw invalid({ path: ['content-type'], message: 'must be a form or JSON' })
}

function textsIn(value: unknown): Fields {
  if (typeof value !== 'object' || value === null)
    throw invalid({ path: ['body'], message: 'must be a JSON object' })
  const fields = new Map<string, string>()
  for (const [name, text] of Object.entries(value)) if (typeof text === 'string') fields.set(name, text)
  return fields
}

const isId = (text: string): boolean => text.length > 0 && text.length <= MAX_ID && isStorable(text)

/** The first of these fields that is set. @throws PlugboardError INVALID if none is set, or if it cannot be an id. */
function idIn(fields: Fields, ...names: string[]): string {
  const id = names.map((name) => fields.get(name)).find(Boolean)
  if (id !== undefined && isId(id)) return id
  throw invalid({ path: names.slice(0, 1), message: id === undefined ? 'is required' : 'cannot be an id' })
}
