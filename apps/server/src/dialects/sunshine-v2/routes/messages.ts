import { type Id, isId, type JsonObject, type Message, parseJsonObject } from '@plugboard/core'
import {
  type ChangeDelivery,
  type ClientView,
  type Hub,
  integrationOf,
  isFull,
  messageDetailsOf,
  type UserView,
} from '@plugboard/hub'
import { z } from 'zod'
import { idempotent } from '../../idempotent.js'
import { notFound } from '../errors.js'
import { conversationIdOf } from '../find.js'
import { DIALECT, known, messageJson, messagesText } from '../map.js'
import { hasMarkup, resolveMarkup } from '../markup.js'
import { mergedMetadata } from '../merge.js'
import { anyQuery, linksOf, type PageQuery, pageOf } from '../pages.js'
import { contentOf, findAuthor, postOf, recallAuthor } from '../posting.js'
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
    takesKey: true,
    body: schemas.postMessage,
    status: 201,
    response: many,
    missing: 'conversation',
    handle: async (input) => {
      const { client, params, body } = input
      const conversationId = conversationIdOf(params.conversationId)
      const author =
        recallAuthor(hub, client, conversationId, body.author) ??
        (await findAuthor(hub, client, conversationId, body.author))
      const content = hasMarkup(body.content) ? await resolveMarkup(body.content) : body.content
      const post = postOf(client, { conversationId, author }, { ...body, content })
      const message = await idempotent(hub, input, (id) => {
        post.id = id
        return hub.messages.post(client, post)
      })
      return { messages: [messageJson(client, message)] }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'GET',
    url,
    summary: 'List the messages of a conversation: newest page first, oldest message first in each page',
    operationId: 'ListMessages',
    isList: true,
    query: anyQuery,
    response: many.extend(schemas.page),
    missing: 'conversation',
    handle: async ({ client, params, query, request }) => {
      const conversationId = conversationIdOf(params.conversationId)
      const page = pageOf(query, { size: PAGE_SIZE, sizeName: 'limit' })
      const { messages, ...found } = await pageOfMessages(hub, client, conversationId, page)
      const users = await authorsOf(hub, client, messages)
      const links = linksOf({ items: messages, ...found }, page, request, baseUrl(request), true)
      return `{"messages":${messagesText(client, messages, users)},${JSON.stringify(links).slice(1)}`
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'DELETE',
    url,
    summary: 'Delete all messages of a conversation; what people see stays',
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
    summary:
      'Delete a message; pending deliveries are canceled, and people no longer see it where the channel can remove it',
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
    operationId: 'GetMessage',
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
    summary:
      'Update the content or metadata of a message; people see the new content where the channel can edit (ours)',
    operationId: 'UpdateMessage',
    body: schemas.editMessage,
    response: z.object({ message: schemas.message }),
    handle: async ({ client, params, body }) => {
      const old = await findMessage(hub, client, params)
      const details = messageDetailsOf(old)
      const { payload, content } = body.content
        ? contentOf(
            hasMarkup(body.content) ? await resolveMarkup(body.content) : body.content,
            old.author === 'business' ? 'business' : 'user',
          )
        : { payload: parseJsonObject(old.payload), content: details.dialect?.[DIALECT]?.content }
      const metadata = mergedMetadata('Message', details.metadata, body.metadata)
      const message = await hub.messages.edit(client, old.id, {
        payload,
        details: () => ({
          ...details,
          ...(metadata !== undefined && { metadata: metadata ?? {} }),
          dialect: {
            ...details.dialect,
            [DIALECT]: known({ ...details.dialect?.[DIALECT], content }),
          },
        }),
      })
      return { message: messageJson(client, message, await authorsOf(hub, client, [message])) }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'GET',
    url: `${url}/:messageId/deliveries`,
    summary: 'Get the delivery status of a message for each target (ours)',
    operationId: 'ListMessageDeliveries',
    response: z.object({ deliveries: z.array(z.looseObject({ state: z.string() })) }),
    handle: async ({ client, params }) => {
      const { conversationId, messageId = '' } = params
      if (!isId(messageId)) throw notFound()
      const deliveries = await hub.deliveries.ofMessage(client, messageId, conversationIdOf(conversationId))
      return {
        deliveries: deliveries.map(
          ({ webhook, endpoint, state, attempts, nextAttemptAt, error, code, blockedBy, changes }) => ({
            state,
            ...known({
              webhook: webhook && { id: webhook.id, target: webhook.url },
              client: endpoint && {
                ...{ id: endpoint.id, type: endpoint.channel.name },
                ...known({ integrationId: integrationOf(client, endpoint.channel)?.id }),
              },
              attempts,
              nextAttemptAt: nextAttemptAt?.toISOString(),
              error,
              code,
              blockedBy: blockedBy && { id: blockedBy.id, type: blockedBy.type },
              changes: changes?.map(changeJson),
            }),
          }),
        ),
      }
    },
  })
}

const changeJson = ({
  type,
  at,
  state,
  attempts,
  nextAttemptAt,
  error,
  code,
}: ChangeDelivery): JsonObject => ({
  ...{ type, at: at.toISOString(), state },
  ...known({ attempts, nextAttemptAt: nextAttemptAt?.toISOString(), error, code }),
})

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

/** Oldest first. One more than the page has shows whether there is another; so does a page that the store ended for its size. */
async function pageOfMessages(hub: Hub, client: ClientView, conversationId: Id, page: PageQuery) {
  const { after, before, size } = page
  const cursor = { ...(after && { after }), ...(before && { before }) }
  const found = await hub.messages.list(client, conversationId, { ...cursor, limit: size + 1 })
  const hasMore = isFull(found, size + 1)
  const messages = (after ? found.slice(-size) : found.slice(0, size)).reverse()
  return {
    messages,
    hasNext: after ? hasMore : before !== undefined,
    hasPrev: after ? true : hasMore,
  }
}

/** Display names of the authors of messages. */
async function authorsOf(
  hub: Hub,
  client: ClientView,
  messages: readonly Message[],
): Promise<ReadonlyMap<Id, UserView>> {
  const ids = new Set<Id>()
  for (const { author } of messages) if (author !== 'business') ids.add(author.userId)
  return ids.size === 0 ? new Map() : hub.users.shown(client, ids)
}
