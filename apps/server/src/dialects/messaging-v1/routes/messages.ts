import { fromUuid, type Id, invalid, type Message } from '@plugboard/core'
import { type ClientView, type Hub, isFull, type Post } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { idempotent } from '../../idempotent.js'
import { listText, oneByOne } from '../../json-text.js'
import { idOf } from '../ids.js'
import { messageJson } from '../map.js'
import { jsonList } from '../pages.js'
import { defineRoute, ok } from '../route.js'
import * as schemas from '../schemas.js'

/** Where faults are in the body of a post. */
const PAYLOAD_PATH = ['body', 'payload']
/** Default wait of a collect request, in milliseconds. */
const COLLECT_MS = 10_000

/** Messages of conversations. */
export function messageRoutes(app: FastifyInstance, hub: Hub): void {
  defineRoute(app, {
    method: 'POST',
    url: '/messages',
    operationId: 'messagingPostMessage',
    errors: [403, 404],
    takesKey: true,
    tag: 'messages',
    summary: 'Post a message of a user or, without an author, of the bot',
    body: schemas.postMessageBody,
    responses: { 201: schemas.messageResponse },
    handle: async (input) => {
      const { conversationId, authorId, payload, incomingId, integration } = input.body
      const replied = incomingId && fromUuid(incomingId)
      // Copied field by field: on this hot route, object spread would dominate the cost.
      const post: Post = {
        conversationId: idOf(conversationId),
        author: authorId ? { userId: idOf(authorId) } : 'business',
        payload,
        payloadPath: PAYLOAD_PATH,
      }
      if (replied) post.incomingId = replied
      if (integration !== undefined) post.to = { integrationId: integrationIdOf(input.client, integration) }
      const message = await idempotent(hub, input, (id) => {
        post.id = id
        return hub.messages.post(input.client, post)
      })
      return messageJson(message, false)
    },
  })
  defineRoute(app, {
    method: 'POST',
    url: '/messages/collect',
    operationId: 'messagingCollect',
    errors: [403, 404],
    takesKey: true,
    tag: 'messages',
    summary: "Post a user's message and wait for what the bot replies",
    body: schemas.collectBody,
    responses: { 201: schemas.collectResponse },
    handle: async (input) => {
      const { conversationId, authorId, payload, timeout = COLLECT_MS } = input.body
      const post = {
        conversationId: idOf(conversationId),
        author: { userId: idOf(authorId) },
        payload,
      }
      const { message, responses } = await idempotent(hub, input, (id) =>
        hub.collect.run(input.client, { ...post, id }, timeout),
      )
      const head = `{"message":${messageJson(message, false)},"responses":[`
      return listText(oneByOne(responses), (response) => messageJson(response, true), { head, tail: ']}' })
    },
  })
  defineRoute(app, {
    method: 'POST',
    url: '/messages/turn/:id',
    operationId: 'messagingEndTurn',
    tag: 'messages',
    summary: 'Mark the replies of the bot to a message as complete',
    params: schemas.idParams,
    responses: { 200: schemas.okResponse },
    handle: async ({ client, params, reply }) => {
      await hub.collect.endTurn(client, idOf(params.id))
      return ok(reply)
    },
  })
  defineRoute(app, {
    method: 'GET',
    url: '/messages/:id',
    operationId: 'messagingGetMessage',
    tag: 'messages',
    summary: 'Get a message',
    params: schemas.idParams,
    responses: { 200: schemas.messageResponse },
    handle: async ({ client, params }) => messageJson(await hub.messages.get(client, idOf(params.id)), true),
  })
  defineRoute(app, {
    method: 'GET',
    url: '/messages/conversation/:conversationId',
    operationId: 'messagingListMessages',
    tag: 'messages',
    summary: 'List the messages of a conversation, newest first',
    isList: true,
    params: schemas.conversationParams,
    query: schemas.messagePage,
    responses: { 200: schemas.messageListResponse },
    handle: ({ client, params, query }) => {
      const conversationId = idOf(params.conversationId)
      const until = query.from && { until: query.from }
      return jsonList<Message>(query.limit, query.before === undefined ? undefined : idOf(query.before), {
        read: (page) => hub.messages.list(client, conversationId, { ...page, ...until }),
        isFull,
        print: (message) => messageJson(message, true),
      })
    },
  })
  defineRoute(app, {
    method: 'PATCH',
    url: '/messages/:id',
    operationId: 'messagingEditMessage',
    tag: 'messages',
    summary:
      'Replace the payload of a message; people see it where the channel can edit (see its deliveries)',
    params: schemas.idParams,
    body: schemas.editMessageBody,
    responses: { 200: schemas.messageResponse },
    handle: async ({ client, params, body: { payload } }) => {
      const message = await hub.messages.edit(client, idOf(params.id), {
        payload,
        payloadPath: PAYLOAD_PATH,
        // The content of another dialect was that of the old payload.
        details: ({ dialect: _, ...known }) => known,
      })
      return messageJson(message, true)
    },
  })
  defineRoute(app, {
    method: 'DELETE',
    url: '/messages/:id',
    operationId: 'messagingDeleteMessage',
    tag: 'messages',
    summary:
      'Delete a message; pending deliveries are canceled, and people no longer see it where the channel can remove it',
    params: schemas.idParams,
    responses: { 204: undefined },
    handle: ({ client, params }) => hub.messages.delete(client, idOf(params.id)),
  })
  defineRoute(app, {
    method: 'DELETE',
    url: '/messages/conversation/:conversationId',
    operationId: 'messagingDeleteMessages',
    tag: 'messages',
    summary: 'Delete all messages of a conversation; what people see stays',
    params: schemas.conversationParams,
    responses: { 200: schemas.countResponse },
    handle: async ({ client, params }) => ({
      count: await hub.messages.deleteAll(client, idOf(params.conversationId)),
    }),
  })
}

/** @throws INVALID if the client has no integration of this name */
function integrationIdOf({ integrations }: ClientView, name: string): Id {
  const integration = integrations.get(name)
  if (integration) return integration.id
  throw invalid({
    path: ['body', 'integration'],
    message: 'must be the name of an integration of the client',
  })
}
