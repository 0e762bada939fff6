import { isDeepStrictEqual } from 'node:util'
import {
  type Author,
  type Id,
  isId,
  type JsonObject,
  jsonObjectOf,
  type MessageDetails,
} from '@plugboard/core'
import type { ClientView, Hub, Post } from '@plugboard/hub'
import type { z } from 'zod'
import { type Content, fromPayload, toPayload } from './content.js'
import { badRequest } from './errors.js'
import { findUserId } from './find.js'
import { DIALECT } from './map.js'
import type * as schemas from './schemas.js'

/** Posts of this API, in the domain's words. */

type Body = z.infer<typeof schemas.postMessage>

/** The author, if no lookup is needed. */
export function recallAuthor(
  hub: Hub,
  client: ClientView,
  conversationId: Id,
  { type, userId }: Body['author'],
): Author | undefined {
  if (type === 'business') return 'business'
  if (userId === undefined || !isId(userId)) return undefined
  const isKnown = hub.users.isKnown(client, userId) && hub.participants.isKnownMember(conversationId, userId)
  return isKnown ? { userId } : undefined
}

/** A user who writes takes part in the conversation. @throws user_not_found, forbidden */
export async function findAuthor(
  hub: Hub,
  client: ClientView,
  conversationId: Id,
  author: Body['author'],
): Promise<Author> {
  const userId = await findUserId(hub, client, author)
  await hub.participants.assertMember(client, conversationId, userId)
  return { userId }
}

const KINDS = { AI: 'ai', bot: 'bot', agent: 'agent', activity: 'activity' } as const

/** The markup of the content is resolved before. @throws bad_request for an unknown destination */
export function postOf(
  client: ClientView,
  { conversationId, author }: Pick<Post, 'conversationId' | 'author'>,
  body: Body,
): Post {
  const { payload, content } = contentOf(body.content, body.author.type)
  const post: Post = { conversationId, author, payload }
  const details = detailsOf(body, content)
  if (details) post.details = details
  if (body.destination) post.to = destinationOf(client, body.destination)
  return post
}

/** Undefined if there is nothing to store besides the payload. */
function detailsOf(body: Body, content: JsonObject | undefined): MessageDetails | undefined {
  const { author, metadata, override, schema, quotedMessage, references } = body
  const { displayName: name, avatarUrl, subtypes } = author
  const isPlain = !(name ?? avatarUrl ?? subtypes ?? metadata ?? content)
  if (isPlain && !(override ?? schema ?? quotedMessage ?? references)) return undefined
  const [subtype] = subtypes ?? []
  const as: MessageDetails['author'] = {}
  if (name !== undefined) as.name = name
  if (avatarUrl !== undefined) as.avatarUrl = avatarUrl
  if (subtype) as.kind = KINDS[subtype]
  const own = jsonObjectOf({ content, override, schema, quotedMessage, references })
  return {
    ...(Object.keys(as).length > 0 && { author: as }),
    ...(metadata && { metadata }),
    ...(Object.keys(own).length > 0 && { dialect: { [DIALECT]: own } }),
  }
}

/** Includes the posted content if the payload differs. */
export function contentOf(
  given: Content,
  author: 'user' | 'business',
): { payload: JsonObject; content: JsonObject | undefined } {
  const payload = toPayload(given, author)
  const content = given.type === 'form' ? { ...given, submitted: false } : given
  const isSame = isDeepStrictEqual(fromPayload(payload), content)
  return { payload, content: isSame ? undefined : jsonObjectOf(content) }
}

function destinationOf(client: ClientView, destination: NonNullable<Body['destination']>): Post['to'] & {} {
  const { integrationId, integrationType } = destination
  if (integrationType === 'none') return 'nobody'
  if (integrationType !== undefined) return { channel: integrationType }
  const integration = [...client.integrations.values()].find(({ id }) => id === integrationId)
  if (!integration) throw badRequest('destination names no integration of this app')
  return { integrationId: integration.id }
}
