import type { WebChatConfig } from '../config.js'
import { type ConversationSummary, isJson, isMine, type Message, readMessage } from './message.js'

/** All that the chat shows. Changed by {@link reduce} alone. */
export interface State {
  config: WebChatConfig
  phase: 'starting' | 'form' | 'ready' | 'expired' | 'failed'
  connection: 'connecting' | 'online' | 'offline'
  isOpen: boolean
  view: 'chat' | 'list' | 'confirm-end' | 'confirm-forget'
  /** Newest first. */
  conversations: readonly Conversation[]
  /** The conversation that is shown; undefined: a new one, which has no messages yet. */
  activeId?: string | undefined
  queue: readonly Queued[]
  /** What goes with the next message. */
  attached: readonly Attached[]
  notice?: Notice | undefined
}

/** A file that the visitor has chosen and not sent. */
export interface Attached {
  id: string
  file: File
}

export interface Conversation extends ConversationSummary {
  /** In order. Only once it was shown. */
  messages?: readonly Message[]
  hasOlder: boolean
  isLoadingOlder?: boolean
  /** Who is writing to the visitor. */
  writing?: string | undefined
  /** The last message that the business has read. */
  readByBusiness: number
  /** By message. */
  feedback: Readonly<Record<string, 1 | -1>>
}

/** A message of the visitor that the hub has not confirmed. */
export interface Queued {
  /** The idempotency key of the message. */
  clientId: string
  /** Undefined if the first message of a new conversation. */
  conversationId?: string | undefined
  /** It begins another conversation, although the visitor has one. */
  isNewChat?: boolean
  createdAt: string
  payload: { readonly type: string; readonly [field: string]: unknown }
  /** A file that is uploaded first. */
  file?: Blob | undefined
  /** Its upload, and when that was, in milliseconds since 1970. */
  upload?: { id: string; at: number } | undefined
  /** Of the upload, 0 to 1. */
  progress?: number
  /** Why the hub refused it; it waits for the visitor to try again or to remove it. */
  refusal?: Notice | undefined
}

/** Something to tell the visitor; a key of the words. */
export type Notice = 'refused' | 'file-too-large' | 'file-type' | 'failed'

export type Change =
  | { type: 'phase'; phase: State['phase'] }
  | { type: 'connection'; connection: State['connection'] }
  | { type: 'open'; isOpen: boolean }
  | { type: 'view'; view: State['view'] }
  | { type: 'notice'; notice?: Notice }
  | { type: 'show'; conversationId?: string | undefined }
  | { type: 'conversations'; conversations: readonly ConversationSummary[] }
  | {
      type: 'messages'
      conversationId: string
      messages: readonly Message[]
      hasOlder: boolean
      isOlder?: boolean
    }
  | { type: 'loading-older'; conversationId: string; isLoading: boolean }
  | { type: 'queue'; queue: readonly Queued[] }
  | { type: 'attached'; attached: readonly Attached[] }
  | { type: 'progress'; clientId: string; progress: number }
  | { type: 'feedback'; conversationId: string; messageId: string; feedback: 1 | -1 }
  | { type: 'event'; event: HubEvent }
  | { type: 'signed-out' }

/** An event of the visitor's stream. */
export interface HubEvent {
  name: string
  data: unknown
}

export const initialState = (config: WebChatConfig): State => ({
  config,
  phase: 'starting',
  connection: 'connecting',
  isOpen: false,
  view: 'chat',
  conversations: [],
  queue: [],
  attached: [],
})

/** The next state. Applying an event twice, or one that the state already contains, changes nothing. */
export function reduce(state: State, change: Change): State {
  switch (change.type) {
    case 'phase':
      return { ...state, phase: change.phase }
    case 'connection':
      return { ...state, connection: change.connection }
    case 'open':
      return { ...state, isOpen: change.isOpen }
    case 'view':
      return { ...state, view: change.view }
    case 'notice':
      return { ...state, notice: change.notice }
    case 'show':
      return { ...state, activeId: change.conversationId, view: 'chat', notice: undefined }
    case 'conversations':
      return { ...state, conversations: merged(state.conversations, change.conversations) }
    case 'messages':
      return withConversation(state, change.conversationId, (conversation) => withPage(conversation, change))
    case 'loading-older':
      return withConversation(state, change.conversationId, (conversation) => ({
        ...conversation,
        isLoadingOlder: change.isLoading,
      }))
    case 'queue':
      return { ...state, queue: change.queue.filter((queued) => !isConfirmed(state, queued)) }
    case 'attached':
      return { ...state, attached: change.attached }
    case 'progress':
      return {
        ...state,
        queue: state.queue.map((queued) =>
          queued.clientId === change.clientId ? { ...queued, progress: change.progress } : queued,
        ),
      }
    case 'feedback':
      return withConversation(state, change.conversationId, (conversation) => ({
        ...conversation,
        feedback: { ...conversation.feedback, [change.messageId]: change.feedback },
      }))
    case 'event':
      return afterEvent(state, change.event)
    case 'signed-out':
      return { ...initialState(state.config), isOpen: state.isOpen }
  }
}

/** The conversation that is shown. */
export const activeOf = ({ conversations, activeId }: State): Conversation | undefined =>
  conversations.find(({ id }) => id === activeId)

export const unreadOf = ({ conversations }: State): number =>
  conversations.reduce((sum, { unread }) => sum + unread, 0)

/** The message of an event, unless the state has it already. */
export function newMessage(
  { conversations }: State,
  { name, data }: HubEvent,
): { conversationId: string; message: Message } | undefined {
  const message = name === 'message' ? readMessage(data) : undefined
  if (!message || !isJson(data) || typeof data.conversationId !== 'string') return undefined
  const { conversationId } = data
  const known = conversations.find(({ id }) => id === conversationId)
  const isKnown =
    known?.messages?.some(({ id }) => id === message.id) ??
    (known?.lastMessage?.position ?? 0) >= message.position
  return isKnown ? undefined : { conversationId, message }
}

function afterEvent(state: State, { name, data }: HubEvent): State {
  if (!isJson(data) || typeof data.conversationId !== 'string') return state
  const { conversationId } = data
  const known = state.conversations.some(({ id }) => id === conversationId)
    ? state
    : {
        ...state,
        conversations: merged(state.conversations, [
          { id: conversationId, createdAt: new Date().toISOString(), unread: 0 },
        ]),
      }
  const change = (update: (conversation: Conversation) => Conversation): State =>
    withConversation(known, conversationId, update)
  switch (name) {
    case 'message':
    case 'edited': {
      const message = readMessage(data)
      if (message === undefined) return state
      const next = change((conversation) => withMessage(conversation, message, name === 'message'))
      return { ...next, queue: next.queue.filter(({ clientId }) => clientId !== message.clientId) }
    }
    case 'deleted':
      return change((conversation) => withoutMessage(conversation, String(data.id)))
    case 'typing': {
      const author = isJson(data.author) ? String(data.author.name ?? '') : ''
      return change((conversation) => ({
        ...conversation,
        writing: data.isTyping === true && data.author !== 'me' ? author : undefined,
      }))
    }
    case 'read':
      return change((conversation) => afterRead(conversation, Number(data.position), data.by === 'me'))
    case 'status':
      return change((conversation) => withStatus(conversation, data.id, data.status))
    case 'closed':
      return change((conversation) => ({
        ...conversation,
        writing: undefined,
        closedAt: String(data.closedAt ?? data.at ?? new Date().toISOString()),
      }))
    case 'reopened':
      return change(({ closedAt: _, ...conversation }) => conversation)
    default:
      return state
  }
}

function withConversation(
  state: State,
  id: string,
  update: (conversation: Conversation) => Conversation,
): State {
  return { ...state, conversations: state.conversations.map((one) => (one.id === id ? update(one) : one)) }
}

/** Newest first, with what was known about them. */
function merged(known: readonly Conversation[], news: readonly ConversationSummary[]): Conversation[] {
  const byId = new Map(known.map((conversation) => [conversation.id, conversation]))
  for (const summary of news) {
    const { closedAt: _, ...before } = byId.get(summary.id) ?? {
      hasOlder: false,
      readByBusiness: 0,
      feedback: {},
    }
    byId.set(summary.id, { ...before, ...summary })
  }
  return [...byId.values()].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
}

const newerOf = (a: Message | undefined, b: Message | undefined): Message | undefined =>
  (a?.position ?? 0) >= (b?.position ?? 0) ? a : b

/** An older page comes before what is there; the newest page replaces it. */
function withPage(conversation: Conversation, page: Extract<Change, { type: 'messages' }>): Conversation {
  const messages = inOrder(page.messages, page.isOlder ? (conversation.messages ?? []) : [])
  // A page may be older than the last event.
  const lastMessage = newerOf(messages.at(-1), conversation.lastMessage)
  return {
    ...conversation,
    messages,
    hasOlder: page.hasOlder,
    isLoadingOlder: false,
    ...(lastMessage && { lastMessage }),
  }
}

/** Sorted by position, each message once: the later list has the newer form. */
function inOrder(...lists: readonly (readonly Message[])[]): Message[] {
  const byId = new Map(lists.flat().map((message) => [message.id, message]))
  return [...byId.values()].sort((a, b) => a.position - b.position)
}

function withMessage(conversation: Conversation, message: Message, isNew: boolean): Conversation {
  const { messages, lastMessage, unread } = conversation
  const before = messages?.find(({ id }) => id === message.id)
  // An edit of a message that is not loaded: older pages bring it in its new form.
  if (messages && !before && !isNew) return conversation
  // The stream tells an old message again after a resumption; its edit is already here.
  if (before?.editedAt && isNew && !message.editedAt) return conversation
  const isNewest = message.position > (lastMessage?.position ?? 0)
  return {
    ...conversation,
    ...(messages && { messages: inOrder(messages, [{ ...before, ...message }]) }),
    ...((isNewest || lastMessage?.id === message.id) && { lastMessage: message }),
    ...(isNewest && !isMine(message) && isNew && { unread: unread + 1, writing: undefined }),
  }
}

function withoutMessage(conversation: Conversation, messageId: string): Conversation {
  const { messages, lastMessage, ...rest } = conversation
  const left = messages?.filter(({ id }) => id !== messageId)
  const last = lastMessage?.id === messageId ? left?.at(-1) : lastMessage
  return { ...rest, ...(left && { messages: left }), ...(last && { lastMessage: last }) }
}

function afterRead(conversation: Conversation, position: number, isByMe: boolean): Conversation {
  if (!isByMe) return { ...conversation, readByBusiness: Math.max(conversation.readByBusiness, position) }
  const { messages, lastMessage, unread } = conversation
  const isRead = position >= (lastMessage?.position ?? 0)
  const left = messages?.filter((message) => message.position > position && !isMine(message)).length
  return { ...conversation, unread: isRead ? 0 : (left ?? unread) }
}

function withStatus(conversation: Conversation, messageId: unknown, status: unknown): Conversation {
  if (status !== 'sent' && status !== 'delivered' && status !== 'read') return conversation
  const { messages } = conversation
  const update = (message: Message): Message => (message.id === messageId ? { ...message, status } : message)
  return { ...conversation, ...(messages && { messages: messages.map(update) }) }
}

const isConfirmed = ({ conversations }: State, { clientId }: Queued): boolean =>
  conversations.some(({ messages }) => messages?.some((message) => message.clientId === clientId))
