import { z } from 'zod'
import type { DocumentedWebhook, ErrorAnswer, Security } from '../../http/api-document/openapi.js'
import { BODY_LIMIT_BYTES, failure } from './errors.js'

/** What the API document says of this API beside its routes. */

export const TAG = 'Smartify'

const tags = [{ name: TAG, description: 'The external-channel API of Smartify' }]

const securitySchemes = {
  smartifyBasic: {
    type: 'http',
    scheme: 'basic',
    description:
      'Smartify API: e-mail address and password of a person of the business, or id and token of a client of the Messaging API',
  },
  smartifyToken: {
    type: 'apiKey',
    in: 'header',
    name: 'authorization',
    description: 'Smartify API: the `token` of a sign-in, which starts with `JWT `',
  },
}

export const security: Security = [{ smartifyToken: [] }, { smartifyBasic: [] }]

const answers = {
  400: {
    description: 'The project id or the body cannot be read',
    examples: {
      project: { error: 'Invalid project id: support' },
      json: { err: 'the body is not valid JSON' },
    },
  },
  401: {
    description: 'Credentials are missing or wrong',
    examples: {
      credentials: 'Unauthorized',
      password: failure('Authentication failed. Wrong e-mail or password.'),
    },
  },
  403: {
    description: 'The caller is not a member of the project, or has too low a role',
    examples: { member: failure('you dont belong to the project.') },
  },
  404: { description: 'Does not exist', examples: { missing: failure('Object not found.') } },
  409: {
    description: 'In conflict with another request or object',
    examples: { repeated: failure('the first request with this idempotency key is still in progress') },
  },
  413: {
    description: 'The body is larger than 512 kB',
    examples: { body: { err: 'request entity too large', limit: BODY_LIMIT_BYTES } },
  },
  422: {
    description: 'The request is invalid; each error names a parameter',
    examples: { field: { errors: [{ location: 'body', param: 'id_project', msg: 'Invalid value' }] } },
  },
  429: {
    description: 'Too many requests; `Retry-After` has the seconds to wait',
    examples: { limited: failure('Too Many Requests') },
  },
  503: {
    description: 'The database is unreachable; `Retry-After` has the seconds to wait',
    examples: { database: failure('Service unavailable.') },
  },
} as const

type ErrorStatus = keyof typeof answers

const nameOf = (status: ErrorStatus | string): string => `Smartify${status}`

const errors: Readonly<Record<string, ErrorAnswer>> = Object.fromEntries(
  Object.entries(answers).map(([status, answer]) => [nameOf(status), { ...answer, status: Number(status) }]),
)

const webhooks: Readonly<Record<string, DocumentedWebhook>> = {
  smartifyEvent: {
    tag: TAG,
    summary: 'Sent to the target of a subscription',
    body: z.looseObject({
      timestamp: z.number(),
      payload: z.looseObject({}),
      hook: z.looseObject({ event: z.string() }),
      token: z.string(),
    }),
  },
}

/** The parts of the document. */
export const parts = { tags, securitySchemes, errors, webhooks }

/** Names of the errors of a route. */
export function errorsOf(route: {
  isInProject: boolean
  body?: unknown
  params?: unknown
  query?: unknown
}): string[] {
  const { isInProject, body, params, query } = route
  const statuses: ErrorStatus[] = [
    ...(isInProject || body ? ([400] as const) : []),
    401,
    403,
    ...(params ? ([404] as const) : []),
    ...(body ? ([409, 413] as const) : []),
    ...(body || query || params ? ([422] as const) : []),
    429,
    503,
  ]
  return statuses.map(nameOf)
}
