import type { ApiDescription, ErrorAnswer } from './openapi.js'

/** What the API document says of the routes of the server itself. */

const tags = [
  { name: 'providers', description: 'What providers of channels call' },
  { name: 'media', description: 'Files of messages' },
  { name: 'server', description: 'The server itself: health, version and metrics' },
]

const errors: Readonly<Record<string, ErrorAnswer>> = {
  Server401: {
    status: 401,
    description: 'The signature of the provider is missing or wrong',
    examples: { signature: 'Unauthorized' },
  },
  Server404: {
    status: 404,
    description: 'Does not exist',
    examples: { missing: 'Not Found' },
  },
  Server413: {
    status: 413,
    description: 'The body or the file is too large',
    examples: { large: 'Payload Too Large' },
  },
  Server503: {
    status: 503,
    description: 'Not possible now; `Retry-After` has the seconds to wait',
    examples: { later: 'Service Unavailable' },
  },
}

/** The server itself. */
export const serverDescription: ApiDescription = {
  name: 'server',
  title: 'Server',
  description: 'The server itself (`/healthz`, `/readyz`, …) needs no credentials.',
  ...{ tags, errors },
  securitySchemes: {},
}

/** The answer with a file, in the schema of a route. */
export const fileAnswer = {
  200: { description: 'The file', content: { '*/*': { schema: { type: 'string', format: 'binary' } } } },
}

/** Routes that need no credentials. */
export const OPEN = { security: [] }
