import { isDeepStrictEqual } from 'node:util'
import {
  type Author,
  type Id,
  isId,
  type JsonObject,
  type Message,
  type MessageDetails,
} from '@plugboard/core'
import type { ClientView, Hub, Post, UserView } from '@plugboard/hub'
import { z } from 'zod'
import { idempotent } from '../../idempotent.js'
import { fromPayload, toPayload } from '../content.js'
import { badRequest, notFound } from '../errors.js'
import { conversationIdOf, findUserId } from '../find.js'
import { DIALECT, detailsOf, known, messageJson } from '../map.js'
import { resolveMarkup, type Texts } from '../markup.js'
import { mergedMetadata } from '../merge.js'
import { anyQuery, linksOf, type PageQuery, pageOf } from '../pages.js'
import { defineRoute, type Scope } from '../route.js'
import * as schemas from '../schemas.js'

/** Messages come in pages of this size, whatever `page[size]` says; ours: `limit` asks for smaller ones. */
const PAGE_SIZE = 100

const many = z.object({ messages: z.array(schemas.message) })

/** Messages of conversations. */
export function messageRoutes(scope: Scope): void {
  const { hub, baseUrl } = scope
  const url = '/apps/:appId/conversations/:conversationId/messages'
  const common = { tag: 'messages', access: 'integration' } as const
  defineRoute(scope, {
    ...common,
    method: 'POST',
    url,
    summary: 'Post a message of a user or of the business',
    operationId: 'PostMessage',
    body: schemas.postMessage,
    status: 201,
    response: many,
    missing: 'conversation',
    handle: async (input) => {
      const { client, params, body } = input
      const conversationId = conversationIdOf(params.conversationId)
      const author = await authorOf(hub, client, conversationId, body.author)
      const post = { conversationId, author, ...(await bodyOf(client, body)) }
      const message = await idempotent(hub, input, (id) => hub.messages.post(client, { ...post, id }))
      return { messages: [messageJson(client, message)] }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'GET',
    url,
    summary: 'List the messages of a conversation: the newest page first, and in a page the oldest first',
    operationId: 'ListMessages',
    query: anyQuery,
    response: many.extend(schemas.page),
    missing: 'conversation',
    handle: async ({ client, params, query, request }) => {
      const conversationId = conversationIdOf(params.conversationId)
      const page = pageOf(query, { size: PAGE_SIZE, sizeName: 'limit' })
      const { messages, ...found } = await pageOfMessages(hub, client, conversationId, page)
      const users = await authorsOf(hub, client, messages)
      return {
        messages: messages.map((message) => messageJson(client, message, users)),
        ...linksOf({ items: messages, ...found }, page, request, baseUrl(request), true),
      }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'DELETE',
    url,
    summary: 'Delete all messages of a conversation',
    operationId: 'DeleteAllMessages',
    response: schemas.empty,
    missing: 'conversation',
    handle: async ({ client, params }) => {
      await hub.messages.deleteAll(client, conversationIdOf(params.conversationId))
      return {}
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'DELETE',
    url: `${url}/:messageId`,
    summary: 'Delete a message; what has not gone out yet never will',
    operationId: 'DeleteMessage',
    response: schemas.empty,
    handle: async ({ client, params }) => {
      const { id } = await findMessage(hub, client, params)
      await hub.messages.delete(client, id)
      return {}
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'GET',
    url: `${url}/:messageId`,
    summary: 'Get a message (ours)',
    response: z.object({ message: schemas.message }),
    handle: async ({ client, params }) => {
      const message = await findMessage(hub, client, params)
      return { message: messageJson(client, message, await authorsOf(hub, client, [message])) }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'PATCH',
    url: `${url}/:messageId`,
    summary: 'Change what a message says or its metadata; what was shown to a person stays as it was (ours)',
    body: schemas.editMessage,
    response: z.object({ message: schemas.message }),
    handle: async ({ client, params, body }) => {
      const old = await findMessage(hub, client, params)
      const details = detailsOf(old)
      const { payload, content } = body.content
        ? await contentOf(body.content)
        : { payload: JSON.parse(old.payload) as JsonObject, content: details.dialect?.[DIALECT]?.content }
      const metadata = mergedMetadata(
        'Message',
        details.metadata,
        body.metadata as JsonObject | null | undefined,
      )
      const message = await hub.messages.edit(client, old.id, {
        payload,
        details: {
          ...details,
          ...(metadata !== undefined && { metadata: metadata ?? {} }),
          dialect: {
            ...details.dialect,
            [DIALECT]: known({ ...details.dialect?.[DIALECT], content }) as JsonObject,
          },
        },
      })
      return { message: messageJson(client, message, await authorsOf(hub, client, [message])) }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'GET',
    url: `${url}/:messageId/deliveries`,
    summary: 'How far a message got to each of its targets (ours)',
    response: z.object({ deliveries: z.array(z.looseObject({ state: z.string() })) }),
    handle: async ({ client, params }) => {
      const { id } = await findMessage(hub, client, params)
      const deliveries = await hub.deliveries.ofMessage(client, id)
      return {
        deliveries: deliveries.map(({ webhook, endpoint, state, attempts, nextAttemptAt, error }) => ({
          state,
          ...known({
            webhook: webhook && { id: webhook.id, target: webhook.url },
            client: endpoint && { id: endpoint.id, type: endpoint.channel.name },
            attempts,
            nextAttemptAt: nextAttemptAt?.toISOString(),
            error,
          }),
        })),
      }
    },
  })
}

type Body = z.infer<typeof schemas.postMessage>

/** A user who writes takes part in the conversation. */
async function authorOf(
  hub: Hub,
  client: ClientView,
  conversationId: Id,
  author: Body['author'],
): Promise<Author> {
  if (author.type === 'business') return 'business'
  const userId = await findUserId(hub, client, author)
  await hub.participants.assertMember(client, conversationId, userId)
  return { userId }
}

const KINDS = { AI: 'ai', bot: 'bot', agent: 'agent', activity: 'activity' } as const

async function bodyOf(client: ClientView, body: Body): Promise<Pick<Post, 'payload' | 'details' | 'to'>> {
  const { author, metadata, destination, override, schema, quotedMessage, references } = body
  const { payload, content } = await contentOf(body.content)
  const [subtype] = author.subtypes ?? []
  const as = known({
    name: author.displayName,
    avatarUrl: author.avatarUrl,
    kind: subtype && KINDS[subtype],
  })
  const own = known({ content, override, schema, quotedMessage, references })
  const details = {
    ...(Object.keys(as).length > 0 && { author: as }),
    ...(metadata && { metadata }),
    ...(Object.keys(own).length > 0 && { dialect: { [DIALECT]: own } }),
  } as MessageDetails
  return {
    payload,
    ...(Object.keys(details).length > 0 && { details }),
    ...destinationOf(client, destination),
  }
}

/** The content itself is kept where the payload does not say the same. */
async function contentOf(given: Body['content']): Promise<{
  payload: JsonObject
  content: JsonObject | undefined
}> {
  const resolved = (await resolveMarkup(given as Texts)) as Body['content']
  const payload = toPayload(resolved)
  const content = { ...resolved, ...(given.type === 'form' && { submitted: false }) } as JsonObject
  return { payload, content: isDeepStrictEqual(fromPayload(payload), content) ? undefined : content }
}

function destinationOf(client: ClientView, destination: Body['destination']): Pick<Post, 'to'> {
  if (!destination) return {}
  const { integrationId, integrationType } = destination
  if (integrationType === 'none') return { to: 'nobody' }
  if (integrationType !== undefined) return { to: { channel: integrationType } }
  const integration = [...client.integrations.values()].find(({ id }) => id === integrationId)
  if (!integration) throw badRequest('destination names no integration of this app')
  return { to: { channel: integration.channel } }
}

/** @throws not_found for one of another conversation too */
async function findMessage(
  hub: Hub,
  client: ClientView,
  { conversationId, messageId = '' }: Readonly<Record<string, string>>,
): Promise<Message> {
  if (!isId(messageId)) throw notFound()
  const message = await hub.messages.get(client, messageId)
  if (message.conversationId !== conversationId) throw notFound()
  return message
}

/** Oldest first. One more than the page has tells whether there is another. */
async function pageOfMessages(hub: Hub, client: ClientView, conversationId: Id, page: PageQuery) {
  const { after, before, size } = page
  const cursor = { ...(after && { after }), ...(before && { before }) }
  const found = await hub.messages.list(client, conversationId, { ...cursor, limit: size + 1 })
  const hasMore = found.length > size
  const messages = (after && hasMore ? found.slice(1) : found.slice(0, size)).reverse()
  return {
    messages,
    hasNext: after ? hasMore : before !== undefined,
    hasPrev: after ? true : hasMore,
  }
}

/** What the people are called who wrote some messages. */
async function authorsOf(
  hub: Hub,
  client: ClientView,
  messages: readonly Message[],
): Promise<ReadonlyMap<Id, UserView>> {
  const ids = new Set<Id>()
  for (const { author } of messages) if (author !== 'business') ids.add(author.userId)
  return ids.size === 0 ? new Map() : hub.users.shown(client, ids)
}
