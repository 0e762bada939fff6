import { isId } from '@plugboard/core'
import { z } from 'zod'
import { notFound } from '../errors.js'
import { conversationIdOf, findConversation, findUserId } from '../find.js'
import { participantJson } from '../map.js'
import { anyQuery, cut, linksOf, pageOf, rangeOf } from '../pages.js'
import { defineRoute, type Scope } from '../route.js'
import * as schemas from '../schemas.js'
import { associationsOf, subscribeSdk } from '../sdk-client.js'

/** Participants of conversations. */
export function participantRoutes(scope: Scope): void {
  const { hub, baseUrl } = scope
  const url = '/apps/:appId/conversations/:conversationId'
  const common = { tag: 'participants', access: 'integration' } as const
  defineRoute(scope, {
    ...common,
    method: 'GET',
    url: `${url}/participants`,
    summary: 'List the participants of a conversation and their read positions',
    operationId: 'ListParticipants',
    query: anyQuery,
    response: z.object({ participants: z.array(schemas.participantAnswer), ...schemas.page }),
    handle: async ({ client, params, query, request }) => {
      const page = pageOf(query)
      const conversation = await findConversation(hub, client, params.conversationId)
      const found = cut(within(hub.participants.of(conversation), rangeOf(page)), page)
      const participants = [...found.items]
      const [users, unread] = await Promise.all([
        hub.users.views(
          client,
          participants.map(({ userId }) => userId),
        ),
        Promise.all(participants.map((each) => hub.participants.unread(client, conversation.id, each))),
      ])
      return {
        participants: participants.map((each, i) => {
          const user = users.get(each.userId)
          return participantJson(each, user, unread[i] ?? 0, associationsOf(user, conversation.facts.isGroup))
        }),
        ...linksOf(found, page, request, baseUrl(request)),
      }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'POST',
    url: `${url}/join`,
    summary: 'Add a user to a group',
    operationId: 'JoinConversation',
    body: schemas.join,
    status: 201,
    response: z.object({ participant: schemas.participantAnswer }),
    missing: 'conversation',
    handle: async ({ client, params, body }) => {
      const { id } = await findConversation(hub, client, params.conversationId)
      const userId = await findUserId(hub, client, body)
      const participant = await hub.participants.join(client, id, userId)
      await subscribeSdk(hub, client, userId)
      const [user, unread] = await Promise.all([
        hub.users.view(client, userId),
        hub.participants.unread(client, id, participant),
      ])
      return { participant: participantJson(participant, user, unread, associationsOf(user, true)) }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'POST',
    url: `${url}/leave`,
    summary: 'Remove a user from a group',
    operationId: 'LeaveConversation',
    body: schemas.leave,
    response: schemas.empty,
    handle: async ({ client, params, body }) => {
      await findConversation(hub, client, params.conversationId)
      const id = conversationIdOf(params.conversationId)
      const { participantId } = body
      if (participantId === undefined) {
        await hub.participants.leave(client, id, { userId: await findUserId(hub, client, body) })
      } else {
        if (!isId(participantId)) throw notFound()
        await hub.participants.leave(client, id, { participantId })
      }
      return {}
    },
  })
}

/** The part of a short list that a page asks for, by id and in order of id. */
function within<T extends { id: string }>(
  items: readonly T[],
  { after, before, fromEnd, limit }: ReturnType<typeof rangeOf>,
): T[] {
  const found = [...items]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .filter(({ id }) => (!after || id > after) && (!before || id < before))
  return fromEnd ? found.slice(-limit) : found.slice(0, limit)
}
