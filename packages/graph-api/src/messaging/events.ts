import type { Endpoint, InboundEvent, InboundRequest } from '@plugboard/core'
import { z } from 'zod'
import { contentsOf, messageSchema, referralSchema } from './contents.js'
import type { IsFile } from './media.js'
import { entriesIn, idSchema, type MessagingObject } from './notification.js'

/** Milliseconds since 1970; some updates have seconds, or digits in a text. */
const timeSchema = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\d{1,16}$/)
      .transform(Number),
  ])
  .transform((time) => new Date(time < 100_000_000_000 ? time * 1000 : time))
  .refine((time) => time.getTime() >= 0)

const said = z.string().min(1).optional().catch(undefined)

const updateSchema = z.object({
  sender: z.object({ id: idSchema }),
  timestamp: timeSchema.catch(new Date(0)),
})

/** By the field of an update that says what it is. */
const kinds = {
  message: messageSchema,
  /** https://developers.facebook.com/docs/messenger-platform/reference/webhook-events/messaging_postbacks */
  postback: z.object({
    mid: idSchema.optional().catch(undefined),
    title: said,
    payload: said,
    referral: referralSchema.optional().catch(undefined),
  }),
  /** https://developers.facebook.com/docs/messenger-platform/reference/webhook-events/message-edits */
  message_edit: z.object({
    mid: idSchema,
    text: z.string().min(1),
    num_edit: z.union([z.int(), z.string().regex(/^\d{1,6}$/)]),
  }),
  /** https://developers.facebook.com/docs/messenger-platform/reference/webhook-events/message-reactions */
  reaction: z.object({
    mid: idSchema,
    action: z.enum(['react', 'unreact']),
    emoji: said,
    reaction: said,
  }),
  /** Messenger gives a time, Instagram the last message that was read. */
  read: z.object({ watermark: timeSchema.optional().catch(undefined) }),
  delivery: z.object({ watermark: timeSchema }),
  referral: referralSchema,
} as const

type Kind = keyof typeof kinds
type Update<K extends Kind> = z.infer<(typeof kinds)[K]>

/** What each event of an update has. */
interface About {
  endpoint: Endpoint
  at: Date
}

/** Whose events are read. */
interface MessagingAccount {
  object: MessagingObject
  /** The page, or the account of Instagram. */
  account: string
  isFile: IsFile
}

/**
 * The events of one account in a notification, in order. Updates that are malformed, of other kinds, of other accounts, or
 * of the account itself (echoes of what it sent) are left out.
 * @throws PlugboardError INVALID for a body that is no notification
 */
export function eventsIn({ body }: Pick<InboundRequest, 'body'>, of: MessagingAccount): InboundEvent[] {
  return entriesIn(body, of.object)
    .filter(({ account }) => account === of.account)
    .flatMap(({ updates }) => updates.flatMap((update) => eventsOf(update, of)))
}

function eventsOf(update: unknown, { account, isFile }: MessagingAccount): InboundEvent[] {
  const { data } = updateSchema.safeParse(update)
  if (!data || data.sender.id === account) return []
  const sender = data.sender.id
  const about: About = { endpoint: { identity: '*', sender, thread: '*' }, at: data.timestamp }
  const read = <K extends Kind>(kind: K, events: (value: Update<K>) => InboundEvent[]) => {
    const value: unknown = (update as Record<string, unknown>)[kind]
    if (value === undefined) return undefined
    const parsed = kinds[kind].safeParse(value)
    // The schema of this kind read it.
    return parsed.success ? events(parsed.data as Update<K>) : []
  }
  return (
    read('message', (message) => messageEvents(message, about, isFile)) ??
    read('postback', (postback) => postbackEvents(postback, about)) ??
    read('message_edit', (edit) => [editedEvent(edit, about)]) ??
    read('reaction', (reaction) => [reactionEvent(reaction, about)]) ??
    read('read', ({ watermark }) => [watermarkEvent('read', watermark ?? about.at, about)]) ??
    read('delivery', ({ watermark }) => [watermarkEvent('delivered', watermark, about)]) ??
    read('referral', (referral) => [startedEvent(referral, about)]) ??
    []
  )
}

function messageEvents(message: Update<'message'>, about: About, isFile: IsFile): InboundEvent[] {
  const { mid, text, is_echo, is_deleted, quick_reply, reply_to } = message
  if (is_echo) return []
  if (is_deleted) return [{ ...about, type: 'deleted', dedupeKey: `deleted:${mid}`, messageKey: mid }]
  if (quick_reply)
    return [
      {
        ...{ ...about, type: 'choice', dedupeKey: mid, token: quick_reply.payload },
        ...(text !== undefined && { label: text }),
        ...(reply_to?.mid !== undefined && { refersTo: reply_to.mid }),
      },
    ]
  return contentsOf(message, isFile).map((content, i) => ({
    ...about,
    type: 'message',
    dedupeKey: i === 0 ? mid : `${mid}:${i}`,
    content,
  }))
}

/** A press of a button that stays, of the menu, or of "Get started", which a link may have opened. */
function postbackEvents({ mid, title, payload, referral }: Update<'postback'>, about: About): InboundEvent[] {
  const dedupeKey = mid ?? `postback:${keyOf(about)}:${(payload ?? title ?? '').slice(0, 50).toWellFormed()}`
  const token = payload ?? title
  return [
    ...(referral ? [startedEvent(referral, about)] : []),
    ...(token === undefined
      ? []
      : [
          {
            ...{ ...about, type: 'choice' as const, dedupeKey, token },
            ...(title !== undefined && { label: title }),
          },
        ]),
  ]
}

function editedEvent({ mid, text, num_edit }: Update<'message_edit'>, about: About): InboundEvent {
  const content = { type: 'text', text }
  return { ...about, type: 'edited', dedupeKey: `edited:${mid}:${num_edit}`, messageKey: mid, content }
}

function reactionEvent({ mid, action, emoji, reaction }: Update<'reaction'>, about: About): InboundEvent {
  return {
    ...about,
    type: 'reaction',
    dedupeKey: `${action}:${mid}:${keyOf(about)}`,
    messageKey: mid,
    emoji: emoji ?? reaction ?? '',
    isRemoved: action === 'unreact',
  }
}

function watermarkEvent(status: 'delivered' | 'read', until: Date, about: About): InboundEvent {
  const dedupeKey = `${status}:${about.endpoint.sender}:${until.getTime()}`
  return { ...about, type: 'watermark', dedupeKey, status, until }
}

/** A person followed a link with a reference, or an advertisement. */
function startedEvent({ ref, ad_id }: Update<'referral'>, about: About): InboundEvent {
  const payload = ref ?? ad_id
  return {
    ...{ ...about, type: 'started', dedupeKey: `started:${keyOf(about)}` },
    ...(payload !== undefined && { payload }),
  }
}

/** For updates without an id: the person, and the time in milliseconds. */
const keyOf = ({ endpoint, at }: About): string => `${endpoint.sender}:${at.getTime()}`
