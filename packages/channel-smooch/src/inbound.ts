import {
  type Endpoint,
  type InboundEvent,
  type InboundRequest,
  type Integration,
  invalid,
  type Person,
  type Received,
  readJson,
} from '@plugboard/core'
import type { Session } from './api.js'
import type { Config, Options } from './config.js'
import { contentOf } from './contents.js'
import { type Payload, payloads, requestSchema, type User } from './events.js'
import { failureOfDelivery } from './failure.js'
import { mediaOf } from './media.js'

const response = { status: 200 }

/** What every event has. */
interface About {
  id: string
  at: Date
  /** What a bot gets of a file with this address. */
  mediaOf(url: string): object | undefined
}

/** Webhooks of version 2: https://developer.zendesk.com/api-reference/conversations/#section/Webhooks */
export const parse =
  (options: Options) =>
  ({ method, body }: InboundRequest, { config }: Integration<Config, Session>): Received => {
    if (method !== 'POST') throw invalid({ path: ['method'], message: 'must be POST' })
    const { data: request, error } = requestSchema.safeParse(readJson(body))
    if (!request)
      throw invalid(...error.issues.map(({ path, message }) => ({ path: path.map(String), message })))
    if (request.app.id !== config.appId)
      throw invalid({ path: ['app', 'id'], message: 'is not the configured appId' })
    const events = request.events.flatMap((event) => {
      if (!event) return []
      const about = {
        id: event.id,
        at: timeOf(event.createdAt),
        mediaOf: (url: string) => mediaOf(url, config, options),
      }
      return eventsOf(event.type, event.payload, about)
    })
    return { events, response }
  }

/** Events that mean nothing here, and malformed ones, are none. */
function eventsOf(type: string, payload: unknown, about: About): InboundEvent[] {
  const read = <T extends keyof typeof payloads>(name: T): Payload<T> | undefined =>
    payloads[name].safeParse(payload).data as Payload<T> | undefined
  switch (type) {
    case 'conversation:message':
      return made(read(type), messageOf, about)
    case 'conversation:postback':
      return made(read(type), postbackOf, about)
    case 'conversation:read':
      return made(read(type), readOf, about)
    case 'conversation:create':
      return made(read(type), createdOf, about)
    case 'conversation:referral':
      return made(read(type), startedOf, about)
    case 'conversation:message:delivery:channel':
      return made(read(type), deliveryOf('sent'), about)
    case 'conversation:message:delivery:user':
      return made(read(type), deliveryOf('delivered'), about)
    case 'conversation:message:delivery:failure':
      return made(read(type), deliveryOf('failed'), about)
    case 'client:update':
      return made(read(type), blockedOf, about)
    case 'user:merge':
      return made(read(type), mergeOf, about)
    default:
      return []
  }
}

const made = <T>(
  payload: T | undefined,
  make: (payload: T, about: About) => InboundEvent[],
  about: About,
): InboundEvent[] => (payload === undefined ? [] : make(payload, about))

const endpointOf = (userId: string, conversationId: string): Endpoint => ({
  identity: '*',
  sender: userId,
  thread: conversationId,
})

/** Messages of the business are its own, also those of agents and of other programs. */
function messageOf({ conversation, message }: Payload<'conversation:message'>, about: About): InboundEvent[] {
  const { author, content, quotedMessage, deleted } = message
  const userId = author.userId ?? author.user?.id
  if (author.type !== 'user' || userId === undefined) return []
  const quoted = quotedMessage?.message?.id ?? quotedMessage?.externalMessageId
  const from = {
    dedupeKey: message.id,
    endpoint: endpointOf(userId, conversation.id),
    at: message.received === undefined ? about.at : timeOf(message.received),
    person: personOf(author.user, author.displayName),
    ...(quoted !== undefined && { refersTo: quoted }),
  }
  if (deleted) return [{ ...from, dedupeKey: about.id, type: 'deleted', messageKey: message.id }]
  // Who presses a reply says its words, with its value.
  if (content?.type === 'text' && content.payload)
    return [{ ...from, type: 'choice', token: content.payload, ...(content.text && { label: content.text }) }]
  const said = contentOf(content, about.mediaOf)
  return [
    { ...from, type: 'message', content: { ...said, ...(quoted !== undefined && { replyTo: quoted }) } },
  ]
}

function postbackOf(
  { conversation, user, postback }: Payload<'conversation:postback'>,
  about: About,
): InboundEvent[] {
  return [{ ...from(user, conversation, about), type: 'choice', token: postback.payload }]
}

/** The person has read everything up to now. */
function readOf({ conversation, activity }: Payload<'conversation:read'>, { id, at }: About): InboundEvent[] {
  const { type, userId = activity.author.user?.id } = activity.author
  if (type !== 'user' || userId === undefined) return []
  const endpoint = endpointOf(userId, conversation.id)
  return [{ dedupeKey: id, endpoint, at, type: 'watermark', status: 'read', until: at }]
}

/** Reasons of conversations that a person opened without a message. */
const OPENED = ['startConversation', 'linkRequest', 'prechatCapture']

function createdOf(payload: Payload<'conversation:create'>, about: About): InboundEvent[] {
  const { creationReason = '', referral } = payload
  return OPENED.includes(creationReason) || referral ? startedOf(payload, about) : []
}

function startedOf(
  { conversation, user, referral }: Payload<'conversation:referral'>,
  about: About,
): InboundEvent[] {
  return [
    {
      ...from(user, conversation, about),
      type: 'started',
      ...(referral?.code && { payload: referral.code }),
    },
  ]
}

const deliveryOf =
  (status: 'sent' | 'delivered' | 'failed') =>
  (
    { conversation, user, message, error }: Payload<'conversation:message:delivery:user'>,
    { id, at }: About,
  ): InboundEvent[] => [
    {
      ...{ dedupeKey: id, endpoint: endpointOf(user.id, conversation.id), at },
      ...{ type: 'delivery', refersTo: message.id, status },
      ...(status === 'failed' && { failure: failureOfDelivery(error?.code, error?.underlyingError?.code) }),
    },
  ]

function blockedOf({ conversation, user, client }: Payload<'client:update'>, about: About): InboundEvent[] {
  return client.status === 'blocked' ? [{ ...from(user, conversation, about), type: 'blocked' }] : []
}

/** Two users turned out to be one person, whose conversations are one if there were two. */
function mergeOf(
  { mergedUsers, mergedConversations }: Payload<'user:merge'>,
  { id, at }: About,
): InboundEvent[] {
  const { surviving, discarded } = mergedUsers
  const { surviving: stays, discarded: goes } = mergedConversations ?? {}
  const endpoint = endpointOf(surviving.id, stays?.id ?? '*')
  const renamed: InboundEvent[] =
    stays && goes
      ? [
          {
            type: 'renamed',
            dedupeKey: `${id}:room`,
            endpoint: endpointOf(surviving.id, goes.id),
            at,
            to: endpoint,
          },
        ]
      : []
  // Up to no time: it says nothing but who the person is.
  const person: InboundEvent = {
    ...{ type: 'watermark', status: 'delivered', until: new Date(0) },
    ...{ dedupeKey: id, endpoint, at, aliases: [{ sender: discarded.id }] },
  }
  return [...renamed, person]
}

const from = (user: User, conversation: { id: string }, { id, at }: About) => ({
  dedupeKey: id,
  endpoint: endpointOf(user.id, conversation.id),
  at,
  person: personOf(user, undefined),
})

function personOf(user: User | undefined, displayName: string | undefined): Person {
  const { givenName, surname, email, locale } = user?.profile ?? {}
  const name = [givenName, surname].filter(Boolean).join(' ') || displayName
  return { ...(name && { name }), ...(email && { email }), ...(locale && { locale }) }
}

/** The time of receipt if it is none. */
function timeOf(text = ''): Date {
  const at = /^\d{4}-\d\d-\d\dT/.test(text) ? new Date(text) : undefined
  return at && !Number.isNaN(at.getTime()) ? at : new Date(0)
}
