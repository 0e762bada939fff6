import { type Id, isId, isPlugboardError } from '@plugboard/core'
import type { ClientView, ConversationView, Hub, UserView } from '@plugboard/hub'
import { notFound, orNotFound } from './errors.js'
import { externalOf } from './map.js'

/** Finds what a request names. An id of a wrong shape is treated as unknown. */

/** @throws conversation_not_found */
export const conversationIdOf = (text: string | undefined): Id => {
  if (text === undefined || !isId(text)) throw notFound('conversation')
  return text
}

/** @throws conversation_not_found */
export const findConversation = async (
  hub: Hub,
  client: ClientView,
  text: string | undefined,
): Promise<ConversationView> =>
  orNotFound('conversation', hub.conversations.view(client, conversationIdOf(text)))

/** Identifies a user in a body. */
export interface UserName {
  userId?: string | undefined
  userExternalId?: string | undefined
}

/** @throws user_not_found */
export async function findUserId(
  hub: Hub,
  client: ClientView,
  { userId, userExternalId }: UserName,
): Promise<Id> {
  if (userExternalId !== undefined)
    return (await orNotFound('user', hub.users.getExternal(client, externalOf(userExternalId)))).id
  if (userId === undefined || !isId(userId)) throw notFound('user')
  return orNotFound('user', hub.users.idOf(client, userId))
}

/** The user that a path names, by the id or by the caller's own. @throws user_not_found */
export async function findUser(hub: Hub, client: ClientView, text = ''): Promise<UserView> {
  try {
    if (isId(text)) return await hub.users.view(client, text)
  } catch (error) {
    if (!isPlugboardError(error, 'NOT_FOUND')) throw error
  }
  return orNotFound('user', hub.users.getExternal(client, externalOf(text)))
}
