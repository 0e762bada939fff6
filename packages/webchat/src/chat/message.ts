/** A message of a conversation, as the hub tells it. */
export interface Message {
  id: string
  /** Its number in the conversation. */
  position: number
  sentAt: string
  author: 'me' | 'business' | Colleague
  payload: unknown
  /** The key that it was sent with, of a message of the visitor. */
  clientId?: string
  editedAt?: string
  status?: 'sent' | 'delivered' | 'read'
}

/** A person who writes for the business. */
interface Colleague {
  name: string
  avatarUrl?: string
}

/** A conversation without its messages. */
export interface ConversationSummary {
  id: string
  createdAt: string
  closedAt?: string
  /** How many messages the visitor has not read. */
  unread: number
  lastMessage?: Message
}

export const isMine = ({ author }: Pick<Message, 'author'>): boolean => author === 'me'

/** An object of JSON, of which nothing is known. */
export type Json = { readonly [field: string]: unknown }

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** A text, number or boolean as text: an object need not be able to become one. */
export const scalarOf = (value: unknown): string | undefined =>
  ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined

/** A message in an answer or an event; undefined if it is none. */
export function readMessage(value: unknown): Message | undefined {
  if (!isJson(value)) return undefined
  const { id, position, sentAt, author, payload, clientId, editedAt, status } = value
  if (typeof id !== 'string' || !Number.isFinite(Number(position))) return undefined
  const colleague = isJson(author) && textOf(author.name)
  const avatarUrl = isJson(author) ? textOf(author.avatarUrl) : undefined
  return {
    id,
    position: Number(position),
    sentAt: textOf(sentAt) ?? new Date().toISOString(),
    author:
      author === 'me' ? 'me' : colleague ? { name: colleague, ...(avatarUrl && { avatarUrl }) } : 'business',
    payload,
    ...(typeof clientId === 'string' && { clientId }),
    ...(typeof editedAt === 'string' && { editedAt }),
    ...((status === 'sent' || status === 'delivered' || status === 'read') && { status }),
  }
}

export function readConversation(value: unknown): ConversationSummary | undefined {
  if (!isJson(value) || typeof value.id !== 'string') return undefined
  const { id, createdAt, closedAt, unread, lastMessage } = value
  const last = readMessage(lastMessage)
  return {
    id,
    createdAt: textOf(createdAt) ?? new Date().toISOString(),
    unread: Number(unread) || 0,
    ...(typeof closedAt === 'string' && { closedAt }),
    ...(last && { lastMessage: last }),
  }
}

/** The parts of a list that `read` understands. */
export const readList = <T>(value: unknown, read: (item: unknown) => T | undefined): T[] =>
  Array.isArray(value) ? value.map(read).filter((item) => item !== undefined) : []
