import { idTime, type Message, parseJsonObject, toUuid } from '@plugboard/core'
import { type ConversationView, messageDetailsOf } from '@plugboard/hub'
import { z } from 'zod'
import { jsonObject } from '../dialects/bounded-schemas.js'

/** Objects as visitors get them. */

const time = z.iso.datetime()

export const messageSchema = z.object({
  id: z.guid(),
  position: z.string().describe('Its place in the conversation; also the id of its event.'),
  sentAt: time,
  author: z
    .union([z.enum(['me', 'business']), z.object({ name: z.string(), avatarUrl: z.url().optional() })])
    .describe('`me`: the visitor. With a name: who writes for the business.'),
  payload: jsonObject,
  clientId: z.string().optional().describe('The `Idempotency-Key` of a message of the visitor.'),
  editedAt: time.optional(),
  status: z.enum(['sent', 'read']).optional().describe('Of a message of the visitor.'),
})

export type WireMessage = z.infer<typeof messageSchema>

export const conversationSchema = z.object({
  id: z.guid(),
  createdAt: time,
  closedAt: time.optional(),
  unread: z.int().describe('Messages of the business since the last read mark, at most 100.'),
  lastMessage: messageSchema.optional(),
})

export type WireConversation = z.infer<typeof conversationSchema>

/** `readAt`: when the business last read. */
export function messageJson(message: Message, readAt: string | undefined): WireMessage {
  const { id, seq, sentAt, payload, author, source } = message
  const details = messageDetailsOf(message)
  const isOwn = author !== 'business'
  const { name, avatarUrl } = details.author ?? {}
  return {
    id: toUuid(id),
    position: String(seq),
    sentAt: sentAt.toISOString(),
    author: isOwn
      ? 'me'
      : name === undefined
        ? 'business'
        : { name, ...(avatarUrl !== undefined && { avatarUrl }) },
    payload: parseJsonObject(payload),
    ...(isOwn && source && { clientId: source.key }),
    ...(details.edit && { editedAt: idTime(details.edit).toISOString() }),
    ...(isOwn && {
      status: readAt !== undefined && Date.parse(readAt) >= sentAt.getTime() ? 'read' : 'sent',
    }),
  }
}

export const conversationJson = (
  { id, createdAt, facts }: ConversationView,
  { unread, lastMessage }: { unread: number; lastMessage?: Message | undefined },
): WireConversation => ({
  id: toUuid(id),
  createdAt: createdAt.toISOString(),
  ...(facts.closed && { closedAt: facts.closed.at }),
  unread,
  ...(lastMessage && { lastMessage: messageJson(lastMessage, facts.businessReadAt) }),
})
