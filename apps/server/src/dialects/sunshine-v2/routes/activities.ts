import type { Author } from '@plugboard/core'
import { badRequest } from '../errors.js'
import { findConversation, findUserId } from '../find.js'
import { defineRoute, type Scope } from '../route.js'
import * as schemas from '../schemas.js'

/** Events of a conversation other than messages. */
export function activityRoutes(scope: Scope): void {
  const { hub } = scope
  defineRoute(scope, {
    tag: 'activities',
    access: 'integration',
    method: 'POST',
    url: '/apps/:appId/conversations/:conversationId/activity',
    summary: 'Report that someone has read the conversation or is typing',
    operationId: 'PostActivity',
    body: schemas.activity,
    response: schemas.empty,
    missing: 'conversation',
    handle: async ({ client, params, body: { author, type } }) => {
      const { id } = await findConversation(hub, client, params.conversationId)
      if (author.type === 'user' && type !== 'conversation:read')
        throw badRequest("an author of type user can only send 'conversation:read'")
      const by: Author =
        author.type === 'business' ? 'business' : { userId: await findUserId(hub, client, author) }
      if (type === 'conversation:read') await hub.participants.read(client, id, by)
      else await hub.typing.show(client, id, by, type === 'typing:start')
      return {}
    },
  })
}
