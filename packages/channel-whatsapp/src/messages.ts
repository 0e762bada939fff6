import {
  type Alias,
  type Endpoint,
  type InboundEvent,
  isStorable,
  type JsonObject,
  type Person,
} from '@plugboard/core'
import { z } from 'zod'
import { numberIn, userIdIn } from './endpoint.js'
import { contentOf, notice, sharedNumberIn } from './message-contents.js'
import { messageId, seconds, words } from './message-parts.js'

const id = z.string().max(256).refine(isStorable).optional().catch(undefined)
const said = z.string().optional().catch(undefined)

const contactSchema = z.object({
  wa_id: id,
  user_id: id,
  parent_user_id: id,
  profile: z.object({ name: said, username: said }).optional().catch(undefined),
})
const contactsSchema = z.array(contactSchema)

const contextSchema = z.object({
  id: messageId.optional().catch(undefined),
  forwarded: z.boolean().optional().catch(undefined),
  frequently_forwarded: z.boolean().optional().catch(undefined),
  referred_product: z.object({ catalog_id: words, product_retailer_id: words }).optional().catch(undefined),
})

const referralSchema = z.object({
  source_url: said,
  source_type: said,
  source_id: said,
  headline: said,
  body: said,
  media_type: said,
  image_url: said,
  video_url: said,
  thumbnail_url: said,
  ctwa_clid: said,
})

const messageSchema = z.looseObject({
  id: messageId,
  from: id,
  from_user_id: id,
  from_parent_user_id: id,
  group_id: id,
  timestamp: seconds,
  type: z.string().catch('message'),
  context: contextSchema.optional().catch(undefined),
  referral: referralSchema.optional().catch(undefined),
})

type Message = z.infer<typeof messageSchema>
type About = Pick<InboundEvent, 'dedupeKey' | 'endpoint' | 'at' | 'person' | 'aliases'>

/** What a message means. Empty for what Meta would not send. */
export function eventsOfMessage(value: unknown, contacts: unknown, identity: string): InboundEvent[] {
  const { data: message } = messageSchema.safeParse(value)
  if (!message) return []
  if (message.type === 'system') return eventsOfSystem(message, identity)
  const contact = contactOf(message, contactsSchema.safeParse(contacts).data ?? [])
  const about = aboutOf(message, contact, identity)
  return about ? eventsOf(message, about) : []
}

/** The contact that a message is of: the one with its number or id, or the only one. */
function contactOf({ from, from_user_id }: Message, contacts: z.infer<typeof contactsSchema>) {
  const isOf = ({ wa_id, user_id }: (typeof contacts)[number]): boolean =>
    (from !== undefined && wa_id === from) || (from_user_id !== undefined && user_id === from_user_id)
  return contacts.find(isOf) ?? (contacts.length === 1 ? contacts[0] : undefined)
}

/**
 * Who wrote it, and where. The number is the sender if WhatsApp shows it; otherwise the id of the person, which is always
 * another name of the same person.
 */
function aboutOf(
  message: Message,
  contact: z.infer<typeof contactSchema> | undefined,
  identity: string,
): About | undefined {
  const number = numberIn(message.from)
  const userId = userIdIn(message.from_user_id ?? contact?.user_id) ?? userIdIn(message.from)
  const parentId = userIdIn(message.from_parent_user_id ?? contact?.parent_user_id)
  const shared = sharedNumberIn(message)
  const sender = number ?? userId ?? parentId
  if (sender === undefined) return undefined
  const others = [userId, parentId].flatMap((each) => (each === undefined ? [] : [{ sender: each }]))
  const numbers = [...new Set([number, shared])].flatMap((each) =>
    each === undefined ? [] : [{ sender: each, isReassignable: true }],
  )
  const aliases: Alias[] = [...others, ...numbers]
  const isKnownByMore = aliases.some((alias) => alias.sender !== sender)
  return {
    dedupeKey: message.id,
    endpoint: { identity, sender, thread: message.group_id ?? '*' },
    at: message.timestamp,
    person: personOf(contact?.profile, number ?? shared),
    ...(isKnownByMore && { aliases }),
  }
}

function personOf(profile: z.infer<typeof contactSchema>['profile'], number: string | undefined): Person {
  const name = profile?.name || profile?.username
  return { ...(name && { name }), ...(number !== undefined && { phone: `+${number}`, verified: ['phone'] }) }
}

function eventsOf(message: Message, about: About): InboundEvent[] {
  // What the next read mark is about.
  const withContext = { ...about, context: { messageId: message.id } }
  switch (message.type) {
    case 'reaction':
      return reactionIn(message, about)
    case 'button':
    case 'interactive': {
      const press = pressIn(message)
      const refersTo = message.context?.id
      if (press) return [{ ...withContext, ...(refersTo && { refersTo }), type: 'choice', ...press }]
      return [written(message, withContext)]
    }
    case 'edit':
      return editIn(message, about)
    case 'revoke': {
      const { data } = revokeSchema.safeParse(message.revoke)
      return data ? [{ ...about, type: 'deleted', messageKey: data.original_message_id }] : []
    }
    case 'request_welcome':
      return [{ ...withContext, type: 'started' }]
    default:
      return [written(message, withContext)]
  }
}

function written(message: Message, about: About): InboundEvent {
  const { context } = message
  const replyTo = context?.id
  const content = { ...contentOf(message), ...(replyTo && { replyTo }), ...originOf(message) }
  return { ...about, ...(replyTo && { refersTo: replyTo }), type: 'message', content }
}

/** Where a message comes from: another chat, an advertisement, a product that is asked about. */
function originOf({ context, referral }: Message): JsonObject {
  const product = context?.referred_product
  const mediaUrl = referral?.image_url || referral?.video_url
  const ad: JsonObject = {
    ...(referral?.headline && { headline: referral.headline }),
    ...(referral?.body && { body: referral.body }),
    ...(referral?.source_type && { sourceType: referral.source_type }),
    ...(referral?.source_id && { sourceId: referral.source_id }),
    ...(referral?.source_url && { sourceUrl: referral.source_url }),
    ...(referral?.media_type && { mediaType: referral.media_type }),
    ...(mediaUrl && { mediaUrl }),
    ...(referral?.ctwa_clid && { clickId: referral.ctwa_clid }),
  }
  return {
    ...(context?.forwarded && { forwarded: true }),
    ...(context?.frequently_forwarded && { frequentlyForwarded: true }),
    ...(product && { product: { catalogId: product.catalog_id, id: product.product_retailer_id } }),
    ...(Object.keys(ad).length > 0 && { referral: ad }),
  }
}

const optionSchema = z.object({ id: z.string().min(1), title: words })
const buttonSchema = z.object({ payload: words, text: words })
const interactiveSchema = z.looseObject({ type: z.string() })

/** A reply button, a row of a list, or a button of a template. */
function pressIn(message: Message): { token: string; label?: string } | undefined {
  if (message.type === 'button') {
    const { data } = buttonSchema.safeParse(message.button)
    const token = data?.payload || data?.text
    return token ? { token, ...(data?.text && { label: data.text }) } : undefined
  }
  const { data: interactive } = interactiveSchema.safeParse(message.interactive)
  const { data } = optionSchema.safeParse(interactive?.[interactive.type])
  return data && { token: data.id, ...(data.title && { label: data.title }) }
}

const reactionSchema = z.object({ message_id: messageId, emoji: words })

function reactionIn(message: Message, about: About): InboundEvent[] {
  const { data } = reactionSchema.safeParse(message.reaction)
  if (!data) return []
  const { message_id: messageKey, emoji } = data
  return [{ ...about, type: 'reaction', messageKey, emoji, isRemoved: emoji === '' }]
}

const revokeSchema = z.object({ original_message_id: messageId })
const editSchema = z.object({
  original_message_id: messageId,
  message: z.looseObject({ type: z.string() }),
})

/** Only numbers that are also in the WhatsApp Business app get edits and deletions. */
function editIn(message: Message, about: About): InboundEvent[] {
  const { data } = editSchema.safeParse(message.edit)
  if (!data) return []
  return [
    {
      ...{ ...about, type: 'edited', messageKey: data.original_message_id },
      content: contentOf(data.message),
    },
  ]
}

const systemSchema = z.object({
  type: z.string().catch('system'),
  wa_id: id,
  user_id: id,
  previous_user_id: id,
  parent_user_id: id,
  previous_parent_user_id: id,
})

/**
 * A person has another number or other ids; or something else happened, which is named. The number is renamed last, so
 * that messages go there.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/system/
 */
function eventsOfSystem(message: Message, identity: string): InboundEvent[] {
  const { data: system } = systemSchema.safeParse(message.system)
  if (!system) return []
  const sender = numberIn(message.from) ?? userIdIn(message.from_user_id) ?? userIdIn(system.previous_user_id)
  const endpointOf = (its: string): Endpoint => ({ identity, sender: its, thread: '*' })
  const isMove = system.type === 'user_changed_number' || system.type === 'user_changed_user_id'
  if (!isMove) {
    if (sender === undefined) return []
    const content = notice(system.type)
    return [
      {
        at: message.timestamp,
        dedupeKey: message.id,
        endpoint: endpointOf(sender),
        type: 'message',
        content,
      },
    ]
  }
  const changes = [
    [userIdIn(system.previous_parent_user_id), userIdIn(system.parent_user_id)],
    [userIdIn(system.previous_user_id), userIdIn(system.user_id)],
    [numberIn(message.from), numberIn(system.wa_id)],
  ] as const
  return changes.flatMap(([from, to], i): InboundEvent[] => {
    if (from === undefined || to === undefined || from === to) return []
    const dedupeKey = `${message.id}:${i}`
    return [
      { at: message.timestamp, dedupeKey, endpoint: endpointOf(from), type: 'renamed', to: endpointOf(to) },
    ]
  })
}
