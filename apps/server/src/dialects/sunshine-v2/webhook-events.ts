import {
  type Author,
  type Id,
  isJsonObject,
  type Json,
  type JsonObject,
  parseJsonObject,
} from '@plugboard/core'
import {
  type Activity,
  activityOf,
  asMessage,
  type ConversationFacts,
  type ConversationView,
  integrationOf,
  mergedUserOf,
  type UserView,
  type WebhookEvent,
} from '@plugboard/hub'
import { wordsIn } from '../payload.js'
import type { Trigger } from './app-schemas.js'
import {
  DIALECT,
  known,
  messageJson,
  shortConversationJson,
  shortUserJson,
  sourceJson,
  userJson,
} from './map.js'
import { endpointJson } from './routes/clients.js'

/** The events of an entry for a webhook. */
interface Told {
  type: Trigger
  payload: JsonObject
}

/** Undefined for what this API has no event for, and for what is not there any more. */
export async function eventOf(event: WebhookEvent): Promise<Told | undefined> {
  const { entry } = event
  switch (entry.type) {
    case 'user.deleted':
      return userRemoved(event)
    case 'user.merged':
      return usersMerged(event)
    case 'conversation.deleted':
      return conversationRemoved(event)
    case 'message':
    case 'conversation.new':
    case 'activity': {
      const conversation = await event.lookups.conversation(entry.streamId)
      return conversation && eventIn(event, conversation)
    }
    default:
      return undefined
  }
}

function userRemoved({ entry, webhook }: WebhookEvent): Told {
  const { externalId } = parseJsonObject(entry.payload)
  const user = { id: entry.streamId, authenticated: false, ...known({ externalId: ownValue(externalId) }) }
  // The published document has both names for it.
  const type = webhook.events?.includes('user:remove') ? 'user:remove' : 'user:delete'
  return { type, payload: { user } }
}

/** The discarded user has only its ids. Plugboard merges users whose addresses a channel reports as one person's. */
async function usersMerged(event: WebhookEvent): Promise<Told | undefined> {
  const { entry, lookups } = event
  const merged = mergedUserOf(entry)
  if (!merged) return undefined
  const { into, externalId } = merged
  const discarded = {
    id: entry.streamId,
    authenticated: false,
    ...known({ externalId: ownValue(externalId) }),
  }
  const surviving = userOf(event, into, await lookups.user(into))
  return { type: 'user:merge', payload: { mergedUsers: { surviving, discarded }, reason: 'channelLinking' } }
}

const ownValue = (externalId: Json | undefined): Json | undefined =>
  isJsonObject(externalId) && externalId.namespace === DIALECT ? externalId.value : undefined

function conversationRemoved({ entry }: WebhookEvent): Told {
  const { facts } = parseJsonObject(entry.payload)
  const { isGroup, metadata } = isJsonObject(facts) ? facts : {}
  const known: ConversationFacts = {}
  if (isGroup === true) known.isGroup = true
  if (isJsonObject(metadata)) known.metadata = metadata
  return {
    type: 'conversation:remove',
    payload: { conversation: shortConversationJson({ id: entry.streamId, facts: known }) },
  }
}

async function eventIn(event: WebhookEvent, view: ConversationView): Promise<Told | undefined> {
  const conversation = shortConversationJson(view)
  if (event.entry.type === 'conversation.new') return conversationCreated(event, view, conversation)
  if (event.entry.type === 'message') return messageOf(event, view, conversation)
  const activity = activityOf(event.entry)
  switch (activity?.type) {
    case 'read':
    case 'typing': {
      const { type } = activity
      const what = type === 'read' ? 'conversation:read' : `typing:${activity.isTyping ? 'start' : 'stop'}`
      const author = await authorJson(event, activity.userId ? { userId: activity.userId } : 'business')
      const source = { type: 'api:conversations' }
      return {
        type: `conversation:${type}`,
        payload: { conversation, activity: { type: what, author, source } },
      }
    }
    case 'joined':
    case 'left': {
      const user = await event.lookups.user(activity.userId)
      const type = activity.type === 'joined' ? 'conversation:join' : 'conversation:leave'
      return { type, payload: { conversation, user: userOf(event, activity.userId, user) } }
    }
    case 'delivery':
      return deliveryOf(event, activity, view, conversation)
    case 'handed-over':
    case 'given-up':
      return handoverOf(event, activity, view, conversation)
    default:
      return undefined
  }
}

/** A conversation started by a person has an endpoint; one created through the API has none yet. */
async function conversationCreated(
  event: WebhookEvent,
  { endpoints, userId }: ConversationView,
  conversation: JsonObject,
): Promise<Told> {
  const [endpoint] = endpoints
  const integration = endpoint && integrationOf(event.client, endpoint.channel)
  const source = endpoint
    ? { type: endpoint.channel.name, ...known({ integrationId: integration?.id }) }
    : { type: 'api:conversations' }
  const user = userId && { user: userOf(event, userId, await event.lookups.user(userId)) }
  const creationReason = endpoint ? 'message' : 'none'
  return {
    type: 'conversation:create',
    payload: { conversation, creationReason, source, ...user },
  }
}

async function messageOf(
  event: WebhookEvent,
  view: ConversationView,
  conversation: JsonObject,
): Promise<Told | undefined> {
  const { client, entry } = event
  const message = asMessage(entry)
  const source = sourceOf(event, view)
  const { type, payload, metadata } = parseJsonObject(entry.payload)
  const pressed = type === 'postback' ? wordsIn(payload) : undefined
  if (pressed !== undefined && message.author !== 'business') {
    const user = await event.lookups.user(message.author.userId)
    return {
      type: 'conversation:postback',
      payload: {
        postback: { payload: pressed, ...(isJsonObject(metadata) && { metadata }) },
        conversation,
        user: userOf(event, message.author.userId, user),
        source,
      },
    }
  }
  const json = messageJson(client, message, await authorsOf(event, message.author))
  const shown = isJsonObject(json.author) ? json.author : {}
  const author = { ...shown, ...(await authorJson(event, message.author)) }
  return { type: 'conversation:message', payload: { conversation, message: { ...json, author, source } } }
}

async function authorsOf({ lookups }: WebhookEvent, author: Author): Promise<ReadonlyMap<Id, UserView>> {
  const user = author === 'business' ? undefined : await lookups.user(author.userId)
  return new Map(user && [[user.id, user]])
}

async function authorJson(event: WebhookEvent, author: Author): Promise<JsonObject> {
  if (author === 'business') return { type: 'business' }
  const { userId } = author
  return { type: 'user', userId, user: userOf(event, userId, await event.lookups.user(userId)) }
}

/** The short form, or the full user if the webhook wants it. A deleted user only has its id. */
function userOf({ webhook }: WebhookEvent, id: Id, user: UserView | undefined): JsonObject {
  if (!user) return { id, authenticated: false }
  return webhook.settings?.includeFullUser === true ? userJson(user) : shortUserJson(user)
}

/** Source of a message, with the person's address if the webhook wants it. */
function sourceOf({ client, entry, webhook }: WebhookEvent, view: ConversationView): JsonObject {
  const message = asMessage(entry)
  const source = sourceJson(client, message)
  const { channel: name, integration } = message.source ?? {}
  const endpoint = view.endpoints.find(
    ({ channel }) => channel.name === name && channel.integration === integration,
  )
  if (!endpoint || webhook.settings?.includeFullSource !== true) return source
  return { ...source, client: endpointJson(client, endpoint, view) }
}

/** The provider took a message, or it will not be tried any more. */
async function handoverOf(
  event: WebhookEvent,
  activity: Extract<Activity, { type: 'handed-over' | 'given-up' }>,
  { userId, endpoints }: ConversationView,
  conversation: JsonObject,
): Promise<Told | undefined> {
  const { messageId, endpointId } = activity
  const endpoint = endpoints.find(({ id }) => id === endpointId)
  const channel = endpoint?.channel.name ?? event.entry.channel
  const integrationId = endpoint && integrationOf(event.client, endpoint.channel)?.id
  const error = activity.type === 'given-up' && {
    error: { code: activity.reason, ...known({ message: activity.error }), ...underlying(activity) },
  }
  const user = userId && { user: userOf(event, userId, await event.lookups.user(userId)) }
  return {
    type: `conversation:message:delivery:${error ? 'failure' : 'channel'}`,
    payload: {
      ...user,
      conversation,
      message: { id: messageId },
      destination: known({ type: channel, integrationId }),
      isFinalEvent: error !== false,
      ...error,
    },
  }
}

/** The provider's own code, as the published document has it. */
const underlying = ({ code }: { code?: string }): JsonObject =>
  code === undefined ? {} : { underlyingError: { code } }

/** Event for a provider's status of a message. `read` adds nothing to `delivered`. */
async function deliveryOf(
  event: WebhookEvent,
  activity: Extract<Activity, { type: 'delivery' }>,
  { userId }: ConversationView,
  conversation: JsonObject,
): Promise<Told | undefined> {
  if (activity.status === 'read' || !activity.messageId) return undefined
  const { status, failure, messageId } = activity
  const name = ({ sent: 'channel', delivered: 'user', failed: 'failure' } as const)[status]
  const { originalMessageId: _, ...destination } = sourceJson(event.client, asMessage(event.entry))
  const user = userId && { user: userOf(event, userId, await event.lookups.user(userId)) }
  return {
    type: `conversation:message:delivery:${name}`,
    payload: {
      ...user,
      conversation,
      message: { id: messageId },
      destination,
      isFinalEvent: status !== 'sent',
      ...(status === 'failed' && {
        error: {
          code: failure?.kind ?? 'unknown',
          ...known({ message: failure?.message }),
          ...underlying(failure ?? {}),
        },
      }),
    },
  }
}
