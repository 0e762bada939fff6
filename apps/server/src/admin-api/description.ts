import type { ApiDescription, ErrorAnswer, Security } from '../http/api-document/openapi.js'

/** What the API document says of the admin API beside its routes. */

const tags = [
  { name: 'admin-access', description: 'Admin API: sign-in, operators, links and the audit log' },
  { name: 'admin-overview', description: 'Admin API: how the server is, and its settings' },
  { name: 'admin-clients', description: 'Admin API: clients, their keys and owners' },
  { name: 'admin-channels', description: 'Admin API: channels and integrations' },
  { name: 'admin-webhooks', description: 'Admin API: webhooks of clients' },
  {
    name: 'admin-conversations',
    description: 'Admin API: conversations, and each message with its deliveries',
  },
  {
    name: 'admin-deliveries',
    description: 'Admin API: deliveries, dead letters and jobs about many of them',
  },
  { name: 'admin-people', description: 'Admin API: people by their identities' },
] as const

export type AdminTag = (typeof tags)[number]['name']

const securitySchemes = {
  adminSession: {
    type: 'apiKey',
    in: 'cookie',
    name: 'plugboard-session',
    description:
      'Admin API: the session of the console, from `POST /admin/v1/session`. Over https, the name begins with `__Host-`. A change also needs the header `x-csrf-token`.',
  },
  adminBearer: { type: 'http', scheme: 'bearer', description: 'Admin API: the admin key, for programs' },
  adminKey: {
    type: 'apiKey',
    in: 'header',
    name: 'x-bp-messaging-admin-key',
    description: 'Admin API: the admin key, in the header of the Messaging API',
  },
}

/** The credentials of a route that not anyone may call. */
export const security: Security = [{ adminSession: [] }, { adminBearer: [] }, { adminKey: [] }]

const fault = (code: string, message: string, issue?: { path: readonly string[]; message: string }) => ({
  error: {
    ...{ code, message },
    ...(issue && { path: issue.path, issues: [issue] }),
    requestId: '2f6c01aa-1',
  },
})

const answers = {
  400: {
    description: 'The request is invalid; `path` names the first field, `issues` has all of them',
    examples: {
      field: fault('INVALID', '"name" is required', { path: ['name'], message: 'is required' }),
    },
  },
  401: {
    description: 'Credentials are missing, wrong or expired',
    examples: { missing: fault('UNAUTHORIZED', 'sign in, or send the admin key') },
  },
  403: {
    description: 'The role of the caller does not allow this',
    examples: { role: fault('FORBIDDEN', 'the role must be admin; yours is viewer') },
  },
  404: {
    description: 'Does not exist',
    examples: { missing: fault('NOT_FOUND', 'client not found') },
  },
  409: {
    description: 'In conflict with another request or object',
    examples: { name: fault('CONFLICT', 'this name is already in use') },
  },
  413: {
    description: 'The body is larger than 150 kB',
    examples: { body: fault('TOO_LARGE', 'the body is larger than 153600 bytes') },
  },
  422: {
    description: 'The idempotency key was used with another request',
    examples: { key: fault('MISMATCH', 'this idempotency key was used with a different request') },
  },
  429: {
    description: 'Too many requests; `Retry-After` has the seconds to wait',
    examples: { limited: fault('RATE_LIMITED', 'Too Many Requests') },
  },
  503: {
    description: 'The database is unreachable; `Retry-After` has the seconds to wait',
    examples: { database: fault('UNAVAILABLE', 'the database cannot be reached now') },
  },
} as const

/** Statuses of failures that a route may name. */
export type AdminStatus = keyof typeof answers

const nameOf = (status: AdminStatus | string): string => `Admin${status}`

const errors: Readonly<Record<string, ErrorAnswer>> = Object.fromEntries(
  Object.entries(answers).map(([status, answer]) => [nameOf(status), { ...answer, status: Number(status) }]),
)

/** Names of the errors of a route: those of its kind, and `more`. */
export function errorsOf(
  route: { isOpen: boolean; body?: unknown; params?: unknown; query?: unknown; takesKey?: true | undefined },
  more: readonly AdminStatus[] = [],
): string[] {
  const { isOpen, body, params, query, takesKey } = route
  const statuses: AdminStatus[] = [
    ...(body || query || params ? ([400] as const) : []),
    ...(isOpen ? [] : ([401, 403] as const)),
    ...(params ? ([404] as const) : []),
    ...(body ? ([413] as const) : []),
    ...(takesKey ? ([409, 422] as const) : []),
    ...more,
    ...([429, 503] as const),
  ]
  return [...new Set(statuses)].map(nameOf)
}

/** This API. */
export const adminDescription: ApiDescription = {
  name: 'admin',
  title: 'Admin API',
  description:
    'The admin API (`/admin/v1`) is for the operator of the server. `x-access` of an operation names the role that it needs, whether a link to one client allows it, and its name in the audit log.',
  ...{ tags, securitySchemes, errors },
}
