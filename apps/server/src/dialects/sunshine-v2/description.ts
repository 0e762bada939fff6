import { z } from 'zod'
import type { DocumentedWebhook, ErrorAnswer, Security } from '../../http/api-document/openapi.js'

/** What the API document says of this API beside its routes. */

const names = {
  conversations: 'conversations of one user, and groups',
  messages: 'messages of conversations',
  participants: 'users of conversations',
  activities: 'typing and reading',
  users: 'the people of an app',
  clients: 'where users are reached',
  attachments: 'files for messages',
  apps: 'apps, which are the clients of the Messaging API',
  'app keys': 'keys of an app',
  integrations: 'channels of an app, and programs',
  'integration keys': 'keys of a custom integration',
  webhooks: 'webhooks of a custom integration',
} as const

export type Tag = keyof typeof names

export const tagOf = (tag: Tag): string => `Sunshine: ${tag}`

const tags = Object.entries(names).map(([tag, text]) => ({
  name: tagOf(tag as Tag),
  description: `Sunshine Conversations API: ${text}`,
}))

const securitySchemes = {
  sunshineKey: {
    type: 'http',
    scheme: 'basic',
    description: 'Sunshine API: the id of a key as user name and its secret as password',
  },
  sunshineToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'Sunshine API: a token with the id of a key as `kid`, signed with its secret (HS256)',
  },
}

export const security: Security = [{ sunshineKey: [] }, { sunshineToken: [] }]

const fault = (code: string, title: string) => ({ errors: [{ code, title }] })

const answers = {
  400: {
    description: 'The request is invalid; each title names a field',
    examples: { field: fault('bad_request', "should have required property 'type'") },
  },
  401: {
    description: 'Credentials are missing or wrong',
    examples: { credentials: fault('unauthorized', 'Authorization is required') },
  },
  403: {
    description: 'The scope of the key is too small',
    examples: { scope: fault('forbidden', 'Forbidden') },
  },
  404: {
    description: 'Does not exist',
    examples: {
      conversation: fault('conversation_not_found', 'Conversation not found'),
      user: fault('user_not_found', 'User not found'),
      app: fault('app_not_found', 'App not found'),
    },
  },
  409: {
    description: 'In conflict with another request or object',
    examples: { user: fault('conflict', 'User already exists') },
  },
  413: {
    description: 'The body is larger than 100 kB, or a file than `ATTACHMENT_MAX_SIZE`',
    examples: { body: fault('payload_too_large', 'The body is larger than 102400 bytes') },
  },
  415: {
    description: 'The body has another type',
    examples: { type: fault('unsupported_media_type', 'The body should be JSON') },
  },
  422: {
    description: 'The idempotency key was used for another body',
    examples: {
      key: fault('unprocessable_entity', 'this idempotency key was used with a different request'),
    },
  },
  429: {
    description: 'Too many requests; `Retry-After` has the seconds to wait',
    examples: { limited: fault('too_many_requests', 'Too Many Requests') },
  },
  503: {
    description: 'The database is unreachable; `Retry-After` has the seconds to wait',
    examples: { database: fault('service_unavailable', 'the database cannot be reached now') },
  },
  507: {
    description: 'The client or the disk is full',
    examples: {
      full: fault('insufficient_storage', 'the client has reached its storage limit of 1000000 bytes'),
    },
  },
} as const

type ErrorStatus = keyof typeof answers

const nameOf = (status: ErrorStatus | string): string => `Sunshine${status}`

const errors: Readonly<Record<string, ErrorAnswer>> = Object.fromEntries(
  Object.entries(answers).map(([status, answer]) => [nameOf(status), { ...answer, status: Number(status) }]),
)

const event = z.looseObject({
  id: z.string(),
  createdAt: z.string(),
  type: z.string(),
  payload: z.looseObject({}),
})

const webhooks: Readonly<Record<string, DocumentedWebhook>> = {
  SunshineEvents: {
    tag: tagOf('webhooks'),
    summary: 'Sent to the webhooks of custom integrations, by their triggers',
    body: z.looseObject({
      app: z.object({ id: z.string() }),
      webhook: z.object({ id: z.string(), version: z.literal('v2') }),
      events: z.array(event),
    }),
  },
}

/** The parts of the document. */
export const parts = { tags, securitySchemes, errors, webhooks }

/** Names of the errors of a route. */
export function errorsOf(route: {
  url: string
  method: unknown
  body?: unknown
  query?: unknown
  takesKey?: true
}): string[] {
  const { url, method, body, query, takesKey } = route
  const statuses: ErrorStatus[] = [
    ...(body || query ? ([400] as const) : []),
    401,
    403,
    ...(url.includes(':') ? ([404] as const) : []),
    ...(method === 'POST' ? ([409] as const) : []),
    ...(body ? ([413, 415] as const) : []),
    ...(takesKey ? ([422, 507] as const) : []),
    429,
    503,
  ]
  return statuses.map(nameOf)
}
