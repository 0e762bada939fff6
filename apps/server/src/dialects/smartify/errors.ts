import { type ErrorCode, type Issue, isPlugboardError, PlugboardError } from '@plugboard/core'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { BadRequest } from '../../http/errors/bad-request.js'
import { noteFailure } from '../note-failure.js'

/** Error of the API for oversized bodies. */
export const BODY_LIMIT_BYTES = 512_000

/** How each error code is answered. A body that is a text is sent as one. */
const answers = {
  INVALID: {
    status: 422,
    body: ({ message, issues }) => ({ errors: issues.length > 0 ? issues.map(asFault) : [message] }),
  },
  UNAUTHORIZED: { status: 401, body: () => 'Unauthorized' },
  FORBIDDEN: { status: 403, body: saying },
  NOT_FOUND: { status: 404, body: () => failure('Object not found.') },
  CONFLICT: { status: 409, body: saying },
  MISMATCH: { status: 422, body: saying },
  TOO_LARGE: {
    status: 413,
    body: ({ message, cause }) =>
      cause === undefined ? { err: message } : { err: 'request entity too large', limit: BODY_LIMIT_BYTES },
  },
  RATE_LIMITED: { status: 429, body: saying },
  UNAVAILABLE: { status: 503, body: () => failure('Service unavailable.') },
  NO_SPACE: { status: 507, body: () => failure('Insufficient storage.') },
  INTERNAL: { status: 500, body: () => failure('Internal server error.') },
} as const satisfies Record<ErrorCode, { status: number; body(error: PlugboardError): unknown }>

/** The envelope of what went wrong. */
export const failure = (msg: string): { success: false; msg: string } => ({ success: false, msg })

function saying({ message }: PlugboardError): object {
  return failure(message)
}

/** A fault in this API's format: `body.id_project` is the param `id_project` of the body. */
function asFault({ path, message }: Issue): { msg: string; param: string; location: string } {
  const [location = 'body', ...param] = path
  return { msg: message, param: param.join('.'), location: String(location) }
}

/** Not a member, or not enough of one. */
export const notAMember = (): PlugboardError =>
  new PlugboardError('FORBIDDEN', 'you dont belong to the project.')
export const roleTooLow = (): PlugboardError =>
  new PlugboardError('FORBIDDEN', 'you dont have the required role.')

/** Answers every failure in this dialect's form. */
export function sendError(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const known = asPlugboardError(error)
  if (!known) {
    const err = error instanceof BadRequest ? error.message : 'the body is not valid JSON'
    return reply.code(400).send({ err })
  }
  const { status, body } = answers[known.code]
  noteFailure(error, status, request, reply)
  if (known.code === 'UNAUTHORIZED') void reply.header('www-authenticate', 'Basic realm="Users"')
  const answer = body(known)
  if (typeof answer === 'string') void reply.type('text/plain; charset=utf-8')
  return reply.code(status).send(answer)
}

/** Errors of the framework already have a status; undefined for a body that is not JSON. */
function asPlugboardError(error: FastifyError | Error): PlugboardError | undefined {
  if (isPlugboardError(error)) return error
  const status = 'statusCode' in error ? error.statusCode : undefined
  if (status === 413) return new PlugboardError('TOO_LARGE', 'the body is too large', { cause: error })
  if (status !== undefined && status >= 400 && status < 500) return undefined
  return new PlugboardError('INTERNAL', 'Internal Server Error', { cause: error })
}
