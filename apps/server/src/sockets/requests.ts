import {
  type Conversation,
  type Id,
  isPlugboardError,
  type Message,
  newId,
  PlugboardError,
} from '@plugboard/core'
import { type ClientView, type Hub, isFull, type Page } from '@plugboard/hub'
import { z } from 'zod'
import { jsonObject } from '../dialects/bounded-schemas.js'
import type { GuestLimits } from '../dialects/guest-limits.js'
import { pagesOf } from '../dialects/json-text.js'
import { idOf } from '../dialects/messaging-v1/ids.js'
import { conversationJson, messageJson, userJson } from '../dialects/messaging-v1/map.js'
import { parsePart } from '../dialects/messaging-v1/validate.js'

/** A request of a socket, and whose it is. */
export interface Asking {
  hub: Hub
  client: ClientView
  userId: Id
  guests: GuestLimits
  /** An entry that the request causes: this socket gets no event of it. */
  causes(entryId: Id): void
  /** Waits until a long list may be sent. Whether it may. */
  mayBeLong(): Promise<boolean>
}

/** What is sent back, as JSON text. */
type Answer = Promise<string>

interface Route {
  data: z.ZodType
  /** What a request about something that is not there, or not the user's, is answered. */
  notFound: string
  /** Whether it reads pages, of which a client has few at a time. */
  isList: boolean
  run(asking: Asking, data: unknown): Answer
}

/** Longest reply with a list, in characters: what is older is left out. */
export const MAX_LIST = 4_194_304
/** The same while clients of this client read many long ones. Shorter lists are not counted. */
const LONG_LIST = 262_144
/** Items that are read at once. */
const PAGE = 100

const NO_CONVERSATION = 'Conversation does not exist'
const NO_MESSAGE = 'Message does not exist'
const NO_USER = 'socket does not have user rights'

const guid = z.guid()
const byId = z.strictObject({ id: guid })
/** 0: all. */
const limit = z.int().min(0)

function route<T extends z.ZodType>(
  data: T,
  notFound: string,
  run: (asking: Asking, data: z.infer<T>) => Answer,
  { isList = false } = {},
): Route {
  return {
    data,
    notFound,
    isList,
    run: (asking, given) => run(asking, parsePart(data, 'body', given) as z.infer<T>),
  }
}

/** The requests of the Messaging API's socket, by type. */
const routes: Readonly<Record<string, Route>> = {
  'users.get': route(z.strictObject({}), NO_USER, async ({ hub, client, userId }) =>
    JSON.stringify(userJson(client, await hub.users.view(client, userId))),
  ),
  'conversations.create': route(z.strictObject({}), NO_USER, async ({ hub, client, userId, guests }) => {
    guests.admit(userId, 0)
    return JSON.stringify(conversationJson(client, await hub.conversations.create(client, { userId })))
  }),
  'conversations.start': route(byId, NO_CONVERSATION, async (asking, { id }) => {
    const { hub, client, userId, guests } = asking
    const conversationId = await ownConversation(asking, id)
    guests.admit(userId, 0)
    await hub.conversations.start(client, conversationId)
    return 'true'
  }),
  'conversations.get': route(byId, NO_CONVERSATION, async (asking, { id }) => {
    const { hub, client } = asking
    return JSON.stringify(
      conversationJson(client, await hub.conversations.get(client, await ownConversation(asking, id))),
    )
  }),
  'conversations.list': route(
    z.strictObject({ limit }),
    NO_USER,
    ({ hub, client, userId, mayBeLong }, { limit }) =>
      listOf<Conversation>(limit, {
        mayBeLong,
        read: (page) => hub.conversations.listByUser(client, userId, page),
        isFull: ({ length }, size) => length >= size,
        print: (conversation) => JSON.stringify(conversationJson(client, conversation)),
      }),
    { isList: true },
  ),
  'conversations.delete': route(byId, NO_CONVERSATION, async (asking, { id }) => {
    await asking.hub.conversations.delete(asking.client, await ownConversation(asking, id))
    return 'true'
  }),
  'messages.create': route(
    z.strictObject({ conversationId: guid, payload: jsonObject }),
    NO_CONVERSATION,
    async (asking, { conversationId: wireId, payload }) => {
      const { hub, client, userId, guests } = asking
      const conversationId = await ownConversation(asking, wireId)
      guests.admit(userId, Buffer.byteLength(JSON.stringify(payload)))
      const id = newId()
      asking.causes(id)
      const message = await hub.messages.post(client, { id, conversationId, author: { userId }, payload })
      return messageJson(message, false)
    },
  ),
  'messages.list': route(
    z.strictObject({ conversationId: guid, limit }),
    NO_CONVERSATION,
    async (asking, { conversationId: wireId, limit }) => {
      const { hub, client } = asking
      const conversationId = await ownConversation(asking, wireId)
      return listOf<Message>(limit, {
        mayBeLong: asking.mayBeLong,
        read: (page) => hub.messages.list(client, conversationId, page),
        isFull,
        print: (message) => messageJson(message, true),
      })
    },
    { isList: true },
  ),
  'messages.feedback': route(
    z.strictObject({ messageId: guid, feedback: z.literal([-1, 1]) }),
    NO_MESSAGE,
    async ({ hub, client, userId, guests }, { messageId, feedback }) => {
      guests.admit(userId, 0)
      await hub.messages.rate(client, userId, idOf(messageId), feedback)
      return 'true'
    },
  ),
}

/** Longest type that is repeated in an answer. */
const MAX_TYPE = 100

/** The route of a type; a text that says that there is none. */
export function routeOf(type: string): Route | string {
  const found = Object.hasOwn(routes, type) ? routes[type] : undefined
  return found ?? `route ${type.slice(0, MAX_TYPE).toWellFormed()} does not exist`
}

/** What a failed request is answered. Undefined for an error of this server, which is logged. */
export function messageOf(error: unknown, notFound: string): string | undefined {
  if (!isPlugboardError(error)) return undefined
  switch (error.code) {
    case 'NOT_FOUND':
      return notFound
    case 'INVALID':
      return error.issues.length > 0 ? issuesOf(error) : error.message
    case 'RATE_LIMITED':
    case 'NO_SPACE':
    case 'TOO_LARGE':
      return error.message
    default:
      return undefined
  }
}

/** Without the part of the request that routes over HTTP name. */
const issuesOf = ({ issues }: PlugboardError): string =>
  issues.map(({ path, message }) => `"${path.slice(1).join('.') || 'value'}" ${message}`).join('. ')

/** The id of a conversation of the user. @throws NOT_FOUND, also for that of another user */
async function ownConversation({ hub, client, userId }: Asking, wireId: string): Promise<Id> {
  const id = idOf(wireId)
  const conversation = await hub.conversations.get(client, id)
  if (conversation.userId !== userId) throw new PlugboardError('NOT_FOUND', NO_CONVERSATION)
  return id
}

interface List<T> extends Pick<Asking, 'mayBeLong'> {
  read(page: Page): Promise<T[]>
  isFull(page: readonly T[], limit: number): boolean
  print(item: T): string
}

/** A list as JSON text, read page by page. It ends with what fits into a reply. */
async function listOf<T extends { id: Id }>(wanted: number, list: List<T>): Answer {
  const items: string[] = []
  let length = 0
  let most = LONG_LIST
  const pages = pagesOf<T>(
    async (last, size) => {
      const page = await list.read({ limit: size, ...(last && { before: last.id }) })
      return { items: page, hasMore: list.isFull(page, size) }
    },
    { pageSize: PAGE, ...(wanted > 0 && { limit: wanted }) },
  )
  for await (const page of pages) {
    for (const item of page) {
      const text = list.print(item)
      length += text.length + 1
      if (length > most && most === LONG_LIST && (await list.mayBeLong())) most = MAX_LIST
      if (length > most && items.length > 0) return `[${items.join(',')}]`
      items.push(text)
    }
  }
  return `[${items.join(',')}]`
}
