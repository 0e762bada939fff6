import { type Id, type JsonObject, PlugboardError, toUuid } from '@plugboard/core'
import {
  type ClientView,
  integrationOf,
  type ListedConversation,
  previewOf,
  type UserView,
} from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { jsonObject } from '../../dialects/bounded-schemas.js'
import { idempotent } from '../../dialects/idempotent.js'
import { EXTERNAL_NAMESPACE } from '../../dialects/smartify/names.js'
import { DIALECT } from '../../dialects/sunshine-v2/map.js'
import type { AdminDeps } from '../deps.js'
import { cursorOf, idIn, idInPath, idSchema, placeIn, timeSchema } from '../ids.js'
import { integrationIdOf } from '../integration-id.js'
import { listOf, pageQuery } from '../pages.js'
import { personNameOf } from '../person-name.js'
import { defineAdminRoute } from '../route.js'

const time = z.string().meta({ format: 'date-time' })
const timeIn = z.iso.datetime({ offset: true })

const query = z.strictObject({
  ...pageQuery,
  user: z.string().max(100).optional().describe('Id of a user'),
  identity: z
    .string()
    .min(1)
    .max(512)
    .optional()
    .describe('Address of a person, such as a telephone number or an id at a provider'),
  externalId: z
    .string()
    .min(1)
    .max(512)
    .optional()
    .describe('Id that another system chose for the conversation or its user'),
  channel: z.string().max(100).optional().describe('Name of a channel'),
  integration: z.string().max(200).optional().describe('Id or name of an integration'),
  since: timeIn.optional().describe('Active at this time or later'),
  until: timeIn.optional().describe('Active at this time or earlier'),
})

const conversationSchema = z.object({
  id: z.string(),
  userId: z.string().optional().describe('Absent for a group'),
  name: z.string().optional().describe('What the person is called, if that is known'),
  createdAt: time,
  lastActivityAt: time.describe('Of its newest message, or when it was created'),
  preview: z
    .string()
    .optional()
    .describe('What its newest message says, in at most 256 characters; absent if that is large'),
  channels: z.array(
    z.object({
      channel: z.string(),
      integration: z
        .string()
        .optional()
        .describe('Its name; absent if it was removed, and for a custom channel'),
      identity: z.string().optional().describe('Address of the business'),
      sender: z.string().optional().describe('Address of the person'),
    }),
  ),
  state: z
    .object({ pending: z.number(), dead: z.number() })
    .describe('Targets that are behind, and dead letters, counted up to 100'),
})

const sendBody = z
  .strictObject({
    text: z.string().min(1).max(100_000).optional().describe('Short for a payload of type `text`'),
    payload: jsonObject.optional().describe('Any content of the Messaging API'),
    integration: z
      .string()
      .max(200)
      .optional()
      .describe('Id or name of the only integration that sends it. Default: all of the conversation'),
  })
  .refine(({ text, payload }) => (text === undefined) !== (payload === undefined), {
    path: ['text'],
    message: 'or "payload" must be there, and not both',
  })

const params = z.strictObject({ conversationId: z.string().max(100) })
const placeSchema = z.strictObject({ at: timeSchema, id: idSchema })

/** External ids of conversations and users. */
const NAMESPACES = [DIALECT, EXTERNAL_NAMESPACE]

/** Conversations of a client. */
export function conversationRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub } = deps
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/clients/:clientId/conversations',
    operationId: 'adminListConversations',
    tag: 'admin-conversations',
    summary:
      'List conversations by newest activity (exact to half a minute between pages), or find those of a person; a search by person has one page',
    role: 'viewer',
    tenant: true,
    query,
    responses: { 200: listOf(conversationSchema) },
    handle: async ({ client, query: { limit, cursor, ...wanted } }) => {
      const { user, identity, externalId, channel, integration, since, until } = wanted
      const place = placeIn(cursor, placeSchema)
      const filter = {
        ...(user !== undefined && { userId: idIn(user, ['user'], 'a user') }),
        ...(identity !== undefined && { identity }),
        ...(externalId !== undefined && { externalId: { value: externalId, namespaces: NAMESPACES } }),
        ...(channel !== undefined && { channel }),
        ...(integration !== undefined && { integrationId: integrationIdOf(client, integration) }),
        ...(since !== undefined && { since: new Date(since) }),
        ...(until !== undefined && { until: new Date(until) }),
      }
      const before = place && { activeAt: place.at, id: place.id }
      const { items, next } = await hub.conversationList.list(client, filter, {
        limit,
        ...(before && { before }),
      })
      const userIds = new Set(items.flatMap(({ userId }) => userId ?? []))
      const users = await hub.users.shown(client, userIds)
      return {
        items: items.map((item) => conversationJson(client, item, item.userId && users.get(item.userId))),
        ...(next && { next: cursorOf({ at: next.activeAt, id: next.id }) }),
      }
    },
  })
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/clients/:clientId/conversations/:conversationId',
    operationId: 'adminGetConversation',
    tag: 'admin-conversations',
    summary: 'Get a conversation',
    role: 'viewer',
    tenant: true,
    params,
    responses: { 200: conversationSchema },
    handle: async ({ client, params }) => {
      const found = await one(client, params.conversationId)
      const users = await hub.users.shown(client, new Set(found.userId ? [found.userId] : []))
      return conversationJson(client, found, found.userId && users.get(found.userId))
    },
  })
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/clients/:clientId/conversations/:conversationId/messages',
    operationId: 'adminSendMessage',
    tag: 'admin-conversations',
    summary: 'Send a message as the business',
    role: 'operator',
    tenant: true,
    audit: 'message.send',
    takesKey: true,
    params,
    body: sendBody,
    responses: { 201: z.object({ id: z.string(), at: time }) },
    handle: async ({ client, params, body: { text, payload, integration }, request, note }) => {
      const { id: conversationId } = await one(client, params.conversationId)
      const content: JsonObject = payload ?? { type: 'text', text: text ?? '' }
      const to = integration === undefined ? undefined : integrationIdOf(client, integration)
      const message = await idempotent(hub, { request, client }, (id) =>
        hub.messages.post(client, {
          ...{ id, conversationId, author: 'business', payload: content },
          payloadPath: [payload ? 'payload' : 'text'],
          ...(to && { to: { integrationId: to } }),
        }),
      )
      note({ messageId: toUuid(message.id) })
      return { id: toUuid(message.id), at: message.sentAt.toISOString() }
    },
  })

  /** @throws NOT_FOUND */
  async function one(client: ClientView, text: string): Promise<ListedConversation> {
    const id: Id = idInPath(text, 'conversation')
    const found = await hub.conversationList.find(client, id)
    if (!found) throw new PlugboardError('NOT_FOUND', 'conversation not found')
    return found
  }
}

function conversationJson(
  client: ClientView,
  { id, userId, createdAt, lastActivityAt, newest, endpoints, state }: ListedConversation,
  user: UserView | undefined,
): z.infer<typeof conversationSchema> {
  const name = user && personNameOf(user)
  return {
    id: toUuid(id),
    ...(userId && { userId: toUuid(userId) }),
    ...(name !== undefined && { name }),
    createdAt: createdAt.toISOString(),
    lastActivityAt: lastActivityAt.toISOString(),
    ...(newest && { preview: previewOf(newest) }),
    channels: endpoints.map(({ channel, identity, sender }) => {
      const integration = integrationOf(client, channel)?.name
      return { channel: channel.name, ...(integration !== undefined && { integration }), identity, sender }
    }),
    state,
  }
}
