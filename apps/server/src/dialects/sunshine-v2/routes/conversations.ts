import { isPlugboardError, newId } from '@plugboard/core'
import type { ClientView, ConversationFacts, ConversationView, Hub } from '@plugboard/hub'
import { z } from 'zod'
import { idempotent } from '../../idempotent.js'
import { badRequest } from '../errors.js'
import { conversationIdOf, findConversation, findUserId } from '../find.js'
import { listApp } from '../list-app.js'
import { conversationJson } from '../map.js'
import { changed, mergedMetadata } from '../merge.js'
import { anyQuery, cut, filterOf, linksOf, pageOf, rangeOf } from '../pages.js'
import { defineRoute, type Scope } from '../route.js'
import * as schemas from '../schemas.js'
import { subscribeSdk } from '../sdk-client.js'

const one = z.object({ conversation: schemas.conversation })

/** Conversations of one user, and groups. */
export function conversationRoutes(scope: Scope): void {
  const { hub, baseUrl } = scope
  const url = '/apps/:appId/conversations'
  const common = { tag: 'conversations', access: 'integration' } as const
  defineRoute(scope, {
    ...common,
    method: 'POST',
    url,
    summary: 'Create a conversation',
    operationId: 'CreateConversation',
    takesKey: true,
    body: schemas.createConversation,
    status: 201,
    response: one,
    handle: (input) =>
      idempotent(hub, input, async (id) => {
        const { client, body } = input
        const { type, participants = [] } = body
        const userIds = await Promise.all(participants.map((name) => findUserId(hub, client, name)))
        const subscribed = userIds.filter((_, i) => participants[i]?.subscribeSDKClient)
        await Promise.all([...new Set(subscribed)].map((userId) => subscribeSdk(hub, client, userId)))
        const facts = changed({}, fieldsOf(body))
        if (type === 'sdkGroup') {
          const conversation = await hub.conversations.create(client, { id, facts: groupOf(facts, userIds) })
          return { conversation: conversationJson(conversation, false) }
        }
        const [userId] = userIds
        const conversation = await hub.conversations.create(client, { id, ...(userId && { userId }), facts })
        const isDefault = userId && (await hub.participants.claimDefault(client, userId, id)) === id
        return { conversation: conversationJson(conversation, isDefault === true) }
      }),
  })
  defineRoute(scope, {
    ...common,
    method: 'GET',
    url,
    summary: 'List the conversations of a user, or (ours) of the app by metadata and date',
    operationId: 'ListConversations',
    isList: true,
    query: anyQuery,
    response: z.object({ conversations: z.array(schemas.conversation), ...schemas.page }),
    handle: async ({ client, query, request }) => {
      const userId = filterOf(query, 'userId')
      const userExternalId = filterOf(query, 'userExternalId')
      const page = pageOf(query)
      if (userId === undefined && userExternalId === undefined) {
        const found = await listApp(hub, client, query, page)
        if (!found) throw badRequest(FILTER)
        const conversations = await Promise.all(
          found.items.map(async (each) => conversationJson(each, await isDefault(hub, client, each))),
        )
        return { conversations, ...linksOf(found, page, request, baseUrl(request)) }
      }
      if (userId !== undefined && userExternalId !== undefined) throw badRequest(FILTER)
      const id = await findUserId(hub, client, { userId, userExternalId })
      const [walked, defaultId] = await Promise.all([
        hub.participants.walk(client, id, rangeOf(page)),
        hub.participants.defaultOf(client, id),
      ])
      const found = cut(walked, page)
      return {
        conversations: found.items.map((each) => conversationJson(each, each.id === defaultId)),
        ...linksOf(found, page, request, baseUrl(request)),
      }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'GET',
    url: `${url}/:conversationId`,
    summary: 'Get a conversation',
    operationId: 'GetConversation',
    response: one,
    handle: async ({ client, params }) => {
      const conversation = await findConversation(hub, client, params.conversationId)
      return { conversation: conversationJson(conversation, await isDefault(hub, client, conversation)) }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'PATCH',
    url: `${url}/:conversationId`,
    summary: 'Update a conversation',
    operationId: 'UpdateConversation',
    body: schemas.updateConversation,
    response: one,
    missing: 'conversation',
    handle: async ({ client, params, body }) => {
      const id = conversationIdOf(params.conversationId)
      const conversation = await hub.conversations.change(client, id, (facts) =>
        changed(facts, fieldsOf(body, facts)),
      )
      return { conversation: conversationJson(conversation, await isDefault(hub, client, conversation)) }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'DELETE',
    url: `${url}/:conversationId`,
    summary: 'Delete a conversation with its messages and their attachments',
    operationId: 'DeleteConversation',
    response: schemas.empty,
    missing: 'conversation',
    handle: async ({ client, params }) => {
      const id = conversationIdOf(params.conversationId)
      const conversation = await hub.conversations.view(client, id).catch((error: unknown) => {
        if (isPlugboardError(error, 'NOT_FOUND')) return undefined
        throw error
      })
      if (conversation && (await isDefault(hub, client, conversation)))
        throw badRequest(`Conversation ${id} cannot be deleted because it is the default.`)
      // Also if it was already deleted: its data may remain.
      await hub.conversations.delete(client, id)
      return {}
    },
  })
}

const FILTER = 'filter should have exactly one of the properties userId, userExternalId'

type Fields = z.infer<typeof schemas.updateConversation>

const fieldsOf = (
  { displayName, description, iconUrl, metadata }: Fields,
  { metadata: old }: ConversationFacts = {},
) => ({
  ...{ title: displayName, description, iconUrl },
  metadata: mergedMetadata('Conversation', old, metadata),
})

const groupOf = (
  facts: ConversationFacts,
  userIds: readonly ReturnType<typeof newId>[],
): ConversationFacts => ({
  ...facts,
  isGroup: true,
  participants: [...new Set(userIds)].map((userId) => ({
    ...{ id: newId(), userId, readSeq: 0 },
    joinedAt: new Date().toISOString(),
  })),
})

/** Only the first conversation of a user with the business is their default one. */
async function isDefault(hub: Hub, client: ClientView, { id, userId }: ConversationView): Promise<boolean> {
  return userId !== undefined && (await hub.participants.defaultOf(client, userId)) === id
}
