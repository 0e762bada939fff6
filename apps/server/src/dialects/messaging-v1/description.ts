import { z } from 'zod'
import type { DocumentedWebhook, ErrorAnswer, Security } from '../../http/api-document/openapi.js'

/** What the API document says of this API beside its routes. */

const tags = [
  { name: 'sync', description: 'Messaging API: create and configure a client' },
  { name: 'messages', description: 'Messaging API: messages of users and of the bot' },
  { name: 'conversations', description: 'Messaging API: conversations of users' },
  { name: 'users', description: 'Messaging API: the people of a client' },
  {
    name: 'streams',
    description: 'Messaging API: events as they happen, as `text/event-stream` or, with `wait`, as JSON',
  },
  { name: 'pull', description: 'Messaging API: events that a client fetches itself' },
  { name: 'endpoints', description: 'Messaging API: the addresses of conversations at providers' },
  { name: 'deliveries', description: 'Messaging API: state of deliveries, and dead letters' },
  { name: 'clients', description: 'Messaging API: the client itself, its channels and tokens' },
  { name: 'admin', description: 'Messaging API: clients, for the operator of the server' },
  { name: 'events', description: 'Messaging API: what webhooks of a client receive' },
] as const

const header = (name: string, description: string) => ({ type: 'apiKey', in: 'header', name, description })

const securitySchemes = {
  messagingAdminKey: header(
    'x-bp-messaging-admin-key',
    'Messaging API: the admin key, from `ADMIN_KEY` or from the file that the server names at its start',
  ),
  messagingClientId: header(
    'x-bp-messaging-client-id',
    'Messaging API: the id of the client, from `POST /api/v1/sync`',
  ),
  messagingClientToken: header('x-bp-messaging-client-token', 'Messaging API: the token of the client'),
  messagingUserId: header('x-bp-messaging-user-id', 'Messaging API: the id of a user'),
  messagingUserToken: header(
    'x-bp-messaging-user-token',
    'Messaging API: a token of the user, from `POST /api/v1/users/tokens`',
  ),
  messagingBearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'Messaging API: a token of a user, which also says whose it is',
  },
}

const client = { messagingClientId: [], messagingClientToken: [] }
const admin = { messagingAdminKey: [] }
const user = { messagingClientId: [], messagingUserId: [], messagingUserToken: [] }
const bearer = { messagingBearer: [] }

/** The credentials of the routes of a tag. */
export function securityOf(tag: string): Security {
  if (tag === 'admin') return [admin]
  if (tag === 'streams') return [client, user, bearer]
  // Credentials may be in the body; a server that only this machine reaches needs none to create a client.
  return tag === 'sync' ? [client, admin, {}] : [client]
}

const answers = {
  400: {
    description: 'The request is invalid; the text names the field',
    examples: {
      field: '"body.conversationId" is required',
      unknown: '"body.text" is not allowed',
      json: 'the body is not valid JSON',
    },
  },
  401: {
    description: 'Credentials are missing or wrong',
    examples: { credentials: 'Unauthorized' },
  },
  403: { description: 'Not allowed', examples: { forbidden: 'Forbidden' } },
  404: { description: 'Does not exist, or belongs to another client', examples: { missing: 'Not Found' } },
  409: {
    description: 'In conflict with another request or object',
    examples: {
      repeated: 'the first request with this idempotency key is still in progress',
      changed: 'the client changed concurrently; try again',
    },
  },
  413: {
    description: 'The body is larger than 150 kB',
    examples: { body: 'the body is larger than 153600 bytes' },
  },
  422: {
    description: 'The idempotency key was used for another body',
    examples: { key: 'this idempotency key was used with a different request' },
  },
  429: {
    description: 'Too many requests; `Retry-After` has the seconds to wait',
    examples: { limited: 'Too Many Requests' },
  },
  503: {
    description: 'The database is unreachable; `Retry-After` has the seconds to wait',
    examples: { database: 'the database cannot be reached now' },
  },
  507: {
    description: 'The client or the disk is full',
    examples: { full: 'the client has reached its storage limit of 1000000 bytes' },
  },
} as const

/** Statuses of failures that a route may name. */
export type ErrorStatus = keyof typeof answers

const nameOf = (status: ErrorStatus | string): string => `Messaging${status}`

const errors: Readonly<Record<string, ErrorAnswer>> = Object.fromEntries(
  Object.entries(answers).map(([status, answer]) => [nameOf(status), { ...answer, status: Number(status) }]),
)

/** The parts of the document. */
export const parts = { tags, securitySchemes, errors }

/** Names of the errors of a route: those of its kind, and `more`. */
export function errorsOf(
  route: { tag: string; body?: unknown; params?: unknown; query?: unknown; takesKey?: true },
  more: readonly ErrorStatus[] = [],
): string[] {
  const { body, params, query, takesKey } = route
  const statuses: ErrorStatus[] = [
    ...(body || params || query ? ([400] as const) : []),
    401,
    ...(params ? ([404] as const) : []),
    ...(body ? ([413] as const) : []),
    ...(takesKey ? ([409, 422, 507] as const) : []),
    ...more,
    ...([429, 503] as const),
  ]
  return [...new Set(statuses)].map(nameOf)
}

/** An event as webhooks get it. */
export const webhookOf = (type: string, data: z.ZodType): DocumentedWebhook => ({
  tag: 'events',
  summary: 'Sent to the webhooks of the client',
  body: z.object({ type: z.literal(type), data }),
})
