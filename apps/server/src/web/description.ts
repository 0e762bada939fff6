import type { ApiDescription, ErrorAnswer, Security } from '../http/api-document/openapi.js'

/** What the API document says of this API beside its routes. */

export const TAG = 'web'

const tags = [{ name: TAG, description: 'Web chat: what the chat on a page calls for its visitor' }]

export const security: Security = [{ webVisitor: [] }]

const securitySchemes = {
  webVisitor: {
    type: 'http',
    scheme: 'bearer',
    description: 'Web chat: the token of a visitor, from `POST /web/v1/{client}/sessions`',
  },
}

const fault = (code: string, message: string, field?: string) => ({
  error: { code, message, ...(field !== undefined && { field }) },
})

const answers = {
  400: {
    description: 'The request is invalid; `field` names the field',
    examples: { field: fault('INVALID', '"payload.text" is required', 'payload.text') },
  },
  401: {
    description: 'The token is missing, wrong, revoked or too old',
    examples: {
      missing: fault('TOKEN_MISSING', 'the header "authorization" must be "Bearer TOKEN"'),
      invalid: fault('TOKEN_INVALID', 'the token is not valid here, or was revoked'),
      expired: fault('TOKEN_EXPIRED', 'the token has expired'),
      customer: fault('JWT_INVALID', '"exp" has passed', 'token'),
    },
  },
  403: {
    description: 'The page is at an origin that the site does not allow',
    examples: {
      origin: fault('ORIGIN_FORBIDDEN', 'the origin of this page is not one of allowedOrigins'),
    },
  },
  404: {
    description: 'Does not exist, or belongs to somebody else',
    examples: { missing: fault('NOT_FOUND', 'Not found') },
  },
  413: {
    description: 'The body or the file is too large',
    examples: { large: fault('TOO_LARGE', 'a file may have 10485760 bytes at most') },
  },
  415: {
    description: 'The site takes no files of this type',
    examples: { type: fault('TYPE_FORBIDDEN', 'files of the type text/html are not accepted', 'type') },
  },
  422: {
    description: 'The idempotency key was used for another message',
    examples: { key: fault('MISMATCH', 'this idempotency key was used with a different request') },
  },
  429: {
    description: 'Too many requests; `Retry-After` has the seconds to wait',
    examples: { limited: fault('RATE_LIMITED', 'Too many new visitors. Try again later.') },
  },
  503: {
    description: 'The database is unreachable; `Retry-After` has the seconds to wait',
    examples: { database: fault('UNAVAILABLE', 'the database cannot be reached now') },
  },
  507: {
    description: 'The client or the disk is full',
    examples: { full: fault('NO_SPACE', 'the client has reached its storage limit of 1000000 bytes') },
  },
} as const

/** Statuses of failures that a route may name. */
export type Status = keyof typeof answers

const errors: Readonly<Record<string, ErrorAnswer>> = Object.fromEntries(
  Object.entries(answers).map(([status, answer]) => [`Web${status}`, { ...answer, status: Number(status) }]),
)

/** The parts of the document. */
const parts = { tags, securitySchemes, errors }

/** Names of the errors of a route. */
export function errorsOf(route: {
  method: unknown
  isOpen?: true | undefined
  body?: unknown
  query?: unknown
  params?: unknown
  errors?: readonly Status[] | undefined
}): string[] {
  const { method, isOpen, body, query, params, errors: more = [] } = route
  const statuses: Status[] = [
    ...(body || query || params ? ([400] as const) : []),
    ...(isOpen ? [] : ([401] as const)),
    403,
    404,
    ...(body ? ([413] as const) : []),
    ...more,
    ...(method === 'GET' ? [] : ([507] as const)),
    ...([429, 503] as const),
  ]
  return [...new Set(statuses)].map((status) => `Web${status}`)
}

/** This API. */
export const webDescription: ApiDescription = {
  name: 'web',
  title: 'Web chat',
  description:
    'The API of the web chat (`/web/v1`) is for pages: a visitor gets a token, writes and reads. The channel `web` of a client configures it.',
  ...parts,
}
