import { isId, isStorable } from '@plugboard/core'
import { COUNTED_BACKLOG, MAX_POSITION as MAX_PULL_POSITION } from '@plugboard/hub'
import { z } from 'zod'
import { limits } from '../../config/settings.js'
import { few, fewMembers, jsonObject, jsonValue, short } from '../bounded-schemas.js'

/** The wire schemas of the Messaging API v1, for validation and for the API document. */

const MAX_TEXT = 1000
/** Longest name of a client. */
const MAX_NAME = 200
/** Digits, so that a number too large to be exact is refused and not rounded. */
const MAX_SAFE = Number.MAX_SAFE_INTEGER

const guid = z.guid()
const UNSTORABLE = 'must not hold NUL or half a surrogate pair'
const storable = z.string().min(1).max(MAX_TEXT).refine(isStorable, UNSTORABLE)
const clientName = z.string().min(1).max(MAX_NAME).refine(isStorable, UNSTORABLE)

/** `0` means all of them, `undefined` 20. */
const limit = z
  .string('must be a number')
  .transform((text, context) => {
    const value = /^\s*$/.test(text) ? Number.NaN : Number(text)
    const fault = Number.isNaN(value)
      ? 'must be a number'
      : value > MAX_SAFE
        ? 'must be a safe number'
        : value < 0
          ? 'must be greater than or equal to 0'
          : Number.isInteger(value)
            ? undefined
            : 'must be an integer'
    if (fault === undefined) return value
    context.addIssue({ code: 'custom', message: fault })
    return z.NEVER
  })
  .optional()

const MAX_DATE = 100
const ISO_DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/
const isoDate = z
  .string()
  .refine(
    (text) => text.length <= MAX_DATE && ISO_DATE.test(text) && !Number.isNaN(Date.parse(text)),
    'must be in iso format',
  )
  .transform((text) => new Date(text))

export const idParams = z.strictObject({ id: guid })
const CLIENT_ID = 'must be a UUID or 24 hex digits'
/** A client as operators name it: by its id in any of the APIs. */
const clientId = z
  .string()
  .refine((text) => isId(text) || guid.safeParse(text).success, CLIENT_ID)
  .meta({ description: "A client's id: a UUID, or the 24 hex digits of the other APIs" })
export const clientParams = z.strictObject({ id: clientId })
export const userParams = z.strictObject({ userId: guid })
export const conversationParams = z.strictObject({ conversationId: guid })
/** A dead letter's id: the entry, the kind of the target, the target. */
export const deadLetterParams = z.strictObject({ id: z.string().max(MAX_TEXT) })
export const nothing = z.strictObject({})
/** A page of a list; `before` is the id of the last item of the page before. */
export const page = z.strictObject({ limit, before: guid.optional() })
export const deadLetterPage = z.strictObject({ limit, before: z.string().max(MAX_TEXT).optional() })
export const clientPage = z.strictObject({ limit, after: guid.optional() })
/** `from` keeps messages of that time or older. */
export const messagePage = z.strictObject({ limit, before: guid.optional(), from: isoDate.optional() })

const payload = jsonObject
/** Its other fields are those of the channel. */
const seedChannel = z
  .object({
    channel: z.string().optional().meta({ description: 'Name of the channel; absent: the key itself' }),
    enabled: z.boolean().optional(),
    mode: z.enum(['webhook', 'listen'], 'must be webhook or listen').optional().meta({
      description:
        'How the channel gets messages: the provider calls a webhook, or the server keeps a connection open, which needs no public address. Default: `webhook` if EXTERNAL_URL is public, otherwise `listen` if the channel can',
    }),
  })
  .catchall(jsonValue)
const channel = seedChannel.extend({ version: z.string().optional() })
/** Longest address of a webhook. */
const MAX_URL = 8_192
const webhookUrl = short(z.url().refine(isStorable, UNSTORABLE), MAX_URL)
const MAX_WEBHOOKS = 100
const PULL_NAME = /^[a-z0-9][a-z0-9._-]{0,49}$/
const pullName = z
  .string()
  .regex(
    PULL_NAME,
    'must be 1 to 50 lower-case letters, digits, dots, dashes and underscores, and begin with a letter or digit',
  )
const webhook = z.strictObject({
  url: webhookUrl
    .optional()
    .meta({ description: 'Where events are sent. Required, except with the mode `pull`' }),
  mode: z.enum(['push', 'pull']).optional().meta({
    description:
      '`push`: events are sent to `url`. `pull`: the client fetches them with `GET /pull`. Default: `push`',
  }),
  name: pullName.optional().meta({
    description:
      'Name of a pull webhook. A client may have several; each receives every event. Default: `default`',
  }),
})
type WebhookInput = z.infer<typeof webhook>

/** Either an address or a name. */
function wantedWebhook(
  { url, mode, name = 'default' }: WebhookInput,
  context: z.core.$RefinementCtx,
): { url: string } | { pull: string } {
  const fault = (field: string, message: string): never => {
    context.addIssue({ code: 'custom', path: [field], message })
    return z.NEVER
  }
  if (mode !== 'pull') {
    if (name !== 'default') return fault('name', 'must be absent without the mode pull')
    return url === undefined ? fault('url', 'is required') : { url }
  }
  return url === undefined ? { pull: name } : fault('url', 'must be absent with the mode pull')
}
const webhooks = few(webhook.transform(wantedWebhook), { max: MAX_WEBHOOKS })
const looseWebhooks = few(z.object(webhook.shape).transform(wantedWebhook), { max: MAX_WEBHOOKS })
/** Integrations that one client can have. */
const MAX_CHANNELS = 100

const guests = z.boolean().meta({
  description: 'Whether the Smartify API accepts anonymous users; absent: unchanged; off for a new client',
})

/** Sync with the client's headers. */
export const syncBody = z.strictObject({
  channels: fewMembers(channel, MAX_CHANNELS).optional(),
  webhooks: webhooks.optional(),
  guests: guests.optional(),
})
/**
 * Sync with credentials in the body, or none: keys that it does not know are left out, except those of channels that the
 * programs of Botpress do not have.
 */
export const seedSyncBody = z.object({
  id: guid.nullish(),
  token: z.string().nullish(),
  name: clientName.nullish(),
  channels: fewMembers(seedChannel.nullable(), MAX_CHANNELS).nullish(),
  webhooks: looseWebhooks.nullish(),
  guests: guests.nullish(),
})
export const createClientBody = z.strictObject({ id: guid.optional() })
export const clientPolicyBody = z.strictObject({
  guests: guests.optional(),
  maxStoredBytes: z
    .int()
    .min(0)
    .nullable()
    .optional()
    .meta({ description: 'Maximum storage in bytes; 0: no limit; null: CLIENT_MAX_SIZE' }),
})
export const clientPolicyResponse = z.object({
  id: guid,
  guests: z.boolean(),
  maxStoredBytes: z.number().nullable(),
})
export const renameBody = z.strictObject({ id: clientId, name: clientName })
/** 400 days, as cookies: longer is for ever. */
const MAX_TOKEN_SECONDS = 34_560_000
export const userTokenBody = z.strictObject({
  userId: guid,
  expiresIn: z
    .int()
    .min(1)
    .max(MAX_TOKEN_SECONDS)
    .optional()
    .meta({ description: 'Validity in seconds. Default: until it is revoked, or the user is deleted' }),
})
export const createConversationBody = z.strictObject({ userId: guid })
export const typingBody = z.strictObject({ isTyping: z.boolean() })
export const postMessageBody = z.strictObject({
  conversationId: guid,
  authorId: guid.nullish(),
  payload,
  incomingId: guid.nullish(),
  integration: storable.optional().meta({
    description:
      'Name of an integration: the message is sent through no other one. Webhooks receive it in any case',
  }),
})
export const editMessageBody = z.strictObject({ payload })
export const collectBody = z.strictObject({
  conversationId: guid,
  authorId: guid,
  payload,
  timeout: z.number().min(0).max(limits.collectMaxMs).optional(),
})
export const mapBody = z.strictObject({
  channel: z.union(
    [storable, z.strictObject({ name: z.string(), version: z.string() })],
    'must be a text, or an object with name and version',
  ),
  integration: storable.optional().meta({
    description:
      'Name of an integration of the channel. Default: the one that is named as the channel, else the only one',
  }),
  identity: storable,
  sender: storable,
  thread: storable,
})
/** Longest position of a stream. */
const MAX_POSITION = 200
/** Longest wait of a request for events, in seconds: shorter than proxies wait for an answer. */
const MAX_WAIT = 55
const wait = z
  .string()
  .regex(/^\d{1,2}$/, `must be an integer from 0 to ${MAX_WAIT}`)
  .transform(Number)
  .refine((seconds) => seconds <= MAX_WAIT, `must be an integer from 0 to ${MAX_WAIT}`)
export const followQuery = z.strictObject({
  after: z.string().max(MAX_POSITION).optional().meta({
    description:
      'Position, exclusive: the `id` of the last event. Default: from now on. The header `Last-Event-ID` takes precedence',
  }),
  wait: wait.optional().meta({
    description: `Seconds, at most ${MAX_WAIT}: answers with JSON when there are events, or after this time`,
  }),
})
/** Most events of one request, and most positions. */
const MAX_PULLED = 1000
const MAX_LEASE = 43_200
const LEASE = `must be an integer from 1 to ${MAX_LEASE}`
export const pullQuery = z.strictObject({
  webhook: pullName.default('default').meta({ description: 'Name of the pull webhook' }),
  wait: wait.default(0).meta({ description: `Seconds to wait for the first event, at most ${MAX_WAIT}` }),
  limit: z
    .string()
    .regex(/^\d{1,4}$/, `must be an integer from 1 to ${MAX_PULLED}`)
    .transform(Number)
    .refine((count) => count >= 1 && count <= MAX_PULLED, `must be an integer from 1 to ${MAX_PULLED}`)
    .default(100)
    .meta({ description: 'Most events; a conversation gives at most 64 at a time' }),
  lease: z
    .string()
    .regex(/^\d{1,5}$/, LEASE)
    .transform(Number)
    .refine((seconds) => seconds >= 1 && seconds <= MAX_LEASE, LEASE)
    .default(30)
    .meta({ description: 'Seconds until events that are not acknowledged are given again' }),
})
const positions = few(z.string().max(MAX_PULL_POSITION), { max: MAX_PULLED }).meta({
  description: 'The `position` of events',
})
export const ackBody = z.strictObject({ positions })
const seconds = (min: number) =>
  z.int(`must be an integer from ${min} to ${MAX_LEASE}`).min(min).max(MAX_LEASE)
export const nackBody = z.strictObject({
  positions,
  delay: seconds(0).default(0).meta({ description: 'Seconds until the events come again' }),
})
export const extendBody = z.strictObject({
  positions,
  lease: seconds(1).default(30).meta({ description: 'Seconds from now' }),
})
export const pullResponse = z.object({
  events: z.array(
    z.looseObject({
      position: z.string().meta({ description: 'Acknowledges the event' }),
      id: z.string().meta({ description: 'Of the event: the same each time that it is given' }),
      conversationId: z.guid().optional(),
      attempts: z.int().meta({ description: 'How often it was given, this time included' }),
      type: z.string(),
      data: z.unknown(),
    }),
  ),
})
export const refusedResponse = z.object({
  refused: z.array(z.string()).meta({
    description:
      'Positions without effect: of events that no reader got or, except for acknowledgements, whose lease is over',
  }),
})
export const replayBody = z.strictObject({ target: z.string().optional() })

const date = z.iso.datetime()
export const clientResponse = z.object({ id: guid, token: z.string() })
export const clientListResponse = z.object({
  clients: z.array(z.object({ id: guid, name: z.string().optional(), createdOn: date })),
})
const syncResponse = z.object({
  webhooks: z.array(
    z.object({
      url: z.string().meta({ description: 'Of a pull webhook: `pull:` and its name' }),
      token: z.string(),
      mode: z.literal('pull').optional(),
      name: z.string().optional(),
    }),
  ),
})
/** `id` and `token` are answered to a sync with credentials in the body, or none. */
export const anySyncResponse = syncResponse.extend({ id: guid.optional(), token: z.string().optional() })
export const tokensResponse = z.object({ tokens: z.array(z.object({ id: guid, createdAt: date })) })
const lastFailure = z.object({
  kind: z.enum(['rate-limited', 'transient', 'ambiguous', 'auth', 'recipient', 'invalid', 'window']),
  message: z.string(),
  at: date,
  nextAttemptAt: date
    .optional()
    .meta({ description: 'When what failed is tried again; absent if it became a dead letter' }),
})
export const webhookHealth = z.object({
  id: guid,
  url: z.string(),
  state: z.enum(['active', 'retrying', 'failing', 'gone']).meta({
    description:
      '`active`: the last attempt succeeded, or there was none. `retrying`: it failed and will be repeated. `failing`: it failed and became a dead letter. `gone`: it answered 410; it gets nothing before the next sync.',
  }),
  lastDeliveredAt: date.optional(),
  lastFailure: lastFailure.optional(),
  consecutiveFailures: z.number().meta({ description: 'Failed attempts since the last success' }),
  counts: z
    .object({ delivered: z.number(), failed: z.number(), dead: z.number() })
    .meta({ description: 'Deliveries, failed attempts and dead letters since the webhook was created' }),
  waiting: z
    .object({
      conversations: z.number().meta({ description: `Counted up to ${COUNTED_BACKLOG}` }),
      isMore: z.boolean().meta({ description: 'There are more' }),
      oldest: date.optional().meta({ description: 'When the oldest event was accepted, or before' }),
    })
    .optional()
    .meta({ description: 'Of a pull webhook: what is not acknowledged yet' }),
})
export const webhooksResponse = z.object({ webhooks: z.array(webhookHealth) })
export const healthResponse = z.object({
  webhooks: z
    .array(webhookHealth)
    .meta({ description: 'As in `GET /webhooks`, with parts of the URL that may be secret masked' }),
  channels: z.record(
    z.string(),
    z.object({
      channel: z.string().meta({ description: 'Name of the channel' }),
      status: z.enum(['active', 'pending', 'paused']),
      reason: z.string().optional(),
      configured: z.boolean().meta({ description: 'Whether the provider is set up for it' }),
      mode: z.enum(['webhook', 'listen', 'direct']).meta({
        description:
          'How the channel gets messages. `direct`: people reach this server itself, and there is no provider',
      }),
      listening: z
        .object({
          state: z.enum(['starting', 'connecting', 'connected', 'failing']).meta({
            description:
              '`starting`: no process has it yet. `connecting`: the provider has not answered yet. `connected`: it works, also if nobody writes. `failing`: the last attempt failed, and is repeated at `nextAttemptAt`.',
          }),
          since: date.optional(),
          failure: z.object({ kind: lastFailure.shape.kind, message: z.string() }).optional(),
          nextAttemptAt: date.optional(),
        })
        .optional()
        .meta({ description: 'The connection of an active channel in the mode `listen`' }),
      webhookUrl: z
        .string()
        .optional()
        .meta({ description: 'Address that the provider calls, in the mode `webhook`; absent in `direct`' }),
      setup: z.string().optional().meta({ description: 'Manual steps at the provider' }),
      lastInboundAt: date.optional(),
      lastOutboundAt: date.optional(),
      lastFailure: lastFailure.optional(),
      consecutiveFailures: z.number(),
      counts: z.object({ delivered: z.number(), failed: z.number(), dead: z.number() }).meta({
        description: 'Deliveries, failed attempts and dead letters since the integration was created',
      }),
      events: z.array(z.object({ type: z.string(), time: date, data: z.unknown().optional() })),
    }),
  ),
})
export const userResponse = z.object({ id: guid, clientId: guid, data: z.unknown().optional() })
export const conversationResponse = z.object({
  ...{ id: guid, clientId: guid, createdOn: date },
  /** Null: it is one of a group. */
  userId: guid.nullable(),
})
export const conversationListResponse = z.array(conversationResponse)
export const messageResponse = z.object({
  id: guid,
  conversationId: guid,
  authorId: guid.nullable().optional(),
  sentOn: date,
  payload,
})
export const messageListResponse = z.array(messageResponse)
export const collectResponse = z.object({ message: messageResponse, responses: messageListResponse })
export const countResponse = z.object({ count: z.number() })
const channelName = z.union([z.string(), z.object({ name: z.string(), version: z.string() })])
const integrationName = z
  .string()
  .optional()
  .meta({ description: 'Name of the integration, if it differs from the name of the channel' })
const endpoint = z.object({
  channel: channelName,
  integration: integrationName,
  identity: z.string(),
  sender: z.string(),
  thread: z.string(),
})
export const endpointListResponse = z.array(endpoint)
export const mapResponse = z.object({ conversationId: guid })
const deliveryTarget = z.union([
  z.object({ type: z.literal('webhook'), id: guid, url: z.string().optional() }),
  endpoint.partial().extend({ type: z.literal('endpoint'), id: guid }),
  z.object({
    ...{ type: z.literal('integration'), id: guid },
    ...{ channel: channelName.optional(), integration: integrationName },
  }),
])
const errorCode = z
  .string()
  .optional()
  .meta({ description: "The provider's code of the error that ended the delivery" })
const deliveryStates = ['pending', 'retrying', 'delivered', 'failed', 'dead', 'cancelled'] as const
const changeDelivery = z.object({
  type: z.enum(['edited', 'removed']),
  at: date,
  state: z.enum([...deliveryStates, 'unsupported']).meta({
    description:
      '`delivered`: people see it. `unsupported`: the channel cannot change what it sent, so people see the earlier content.',
  }),
  attempts: z.number().optional(),
  nextAttemptAt: date.optional(),
  error: z.string().optional(),
  code: errorCode,
  blockedBy: z.object({ id: z.string(), messageId: guid.optional(), event: z.string() }).optional(),
})
export const deliveriesResponse = z.object({
  deliveries: z.array(
    z.object({
      id: z.string(),
      target: deliveryTarget,
      state: z.enum(deliveryStates).meta({
        description:
          '`failed`: the provider accepted it, and reported later that it could not deliver it. It is in the dead letters, too.',
      }),
      attempts: z
        .number()
        .optional()
        .meta({ description: 'Failed attempts at what is retried (see `blockedBy`), or at the dead letter' }),
      nextAttemptAt: date.optional(),
      error: z.string().optional().meta({ description: 'Error of the last attempt' }),
      code: errorCode,
      changes: z.array(changeDelivery).optional().meta({
        description: 'Of an endpoint that got the message: the last edit and the removal, in order',
      }),
      blockedBy: z.object({ id: z.string(), messageId: guid.optional(), event: z.string() }).optional().meta({
        description:
          'The earlier delivery to the same target that is retried, and that this one waits for. It has no `messageId` if its event is not a message.',
      }),
    }),
  ),
})
export const deathReason = z.enum([
  'exhausted',
  'invalid',
  'recipient',
  'window-closed',
  'gone',
  'target-removed',
  'undelivered',
])
export const deadLetter = z.object({
  id: z.string(),
  messageId: guid.optional(),
  conversationId: guid.optional(),
  change: z
    .enum(['edited', 'removed'])
    .optional()
    .meta({ description: 'The change of the message that could not be shown' }),
  event: z.string(),
  target: deliveryTarget,
  reason: deathReason,
  error: z.string().optional(),
  code: errorCode,
  attempts: z.number(),
  diedAt: date,
})
export const deadLettersResponse = z.object({ deadLetters: z.array(deadLetter) })
export const replayResponse = z.object({ id: z.string() })

const conversationEvent = z.object({ userId: guid.optional(), conversationId: guid })
const channelEvent = conversationEvent.extend({ channel: z.string(), integration: integrationName })
const messageId = guid.optional()
const deliveryStatus = z.enum(['sent', 'delivered', 'read', 'failed'])
const activity = z.discriminatedUnion('type', [
  z.object({ type: z.literal('edited'), messageId, payload }),
  z.object({ type: z.literal('deleted'), messageId }),
  z.object({ type: z.literal('removed'), messageId: guid }),
  z.object({ type: z.literal('reaction'), messageId, emoji: z.string(), removed: z.boolean() }),
  z.object({
    ...{ type: z.literal('delivery'), messageId, status: deliveryStatus },
    failure: z.object({ kind: z.string(), message: z.string(), code: z.string().optional() }).optional(),
  }),
  z.object({ type: z.literal('blocked') }),
  z.object({ type: z.literal('read'), userId: guid.optional() }),
  z.object({ type: z.literal('typing'), userId: guid.optional(), isTyping: z.boolean() }),
  z.object({ type: z.enum(['joined', 'left']), userId: guid }),
  z.object({ type: z.enum(['closed', 'reopened']) }),
])
/** The `data` of each webhook event. */
export const events = {
  'user.new': z.object({ userId: guid, userData: z.record(z.string(), z.string()).optional() }),
  'user.updated': z.object({ userId: guid, userData: z.record(z.string(), z.string()) }),
  'user.deleted': z.object({ userId: guid }),
  'user.merged': z.object({ userId: guid, mergedUserId: guid }),
  'conversation.new': conversationEvent,
  'conversation.started': channelEvent.extend({ payload: z.string().optional() }),
  'conversation.deleted': conversationEvent,
  'conversation.activity': channelEvent.extend({ activity }),
  'message.new': channelEvent.extend({ collect: z.literal(true).optional(), message: messageResponse }),
  'message.feedback': channelEvent.extend({
    messageId: guid,
    feedback: z.union([z.literal(1), z.literal(-1)]).meta({ description: '1: good, -1: bad' }),
  }),
  'health.new': z.object({
    channel: z.string(),
    integration: integrationName,
    event: z.object({ type: z.string(), time: date, data: z.unknown().optional() }),
  }),
}
/** What streams have beside what webhooks get. */
const streamActivity = z.discriminatedUnion('type', [
  ...activity.options,
  z.object({ type: z.literal('handed-over'), messageId: guid, endpointId: guid }),
  z.object({
    ...{ type: z.literal('given-up'), messageId: guid, endpointId: guid, reason: deathReason },
    ...{ error: z.string().optional(), code: errorCode },
  }),
])
const streamedData = { ...events, 'conversation.activity': channelEvent.extend({ activity: streamActivity }) }
export const eventsResponse = z.object({
  events: z
    .array(
      z.object({
        id: z
          .string()
          .optional()
          .meta({ description: 'Position behind the event; absent: it is not repeated' }),
        type: z.enum(Object.keys(streamedData)),
        data: z.union([...new Set(Object.values(streamedData))]),
      }),
    )
    .meta({ description: 'In order; empty if the time is over' }),
  position: z.string().meta({ description: 'For `after` of the next request' }),
  reset: z.object({ oldest: z.string() }).optional().meta({
    description: 'What follows the position of the request is no longer kept; continue after `oldest`',
  }),
})
export const okResponse = z.string().meta({ example: 'OK' })
