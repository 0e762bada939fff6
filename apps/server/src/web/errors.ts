import { isPlugboardError, PlugboardError } from '@plugboard/core'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { noteFailure } from '../dialects/note-failure.js'
import { BadRequest } from '../http/errors/bad-request.js'
import { statusOf } from '../http/errors/error-status.js'

/** Codes of this API beside those that all have. */
const refusalStatusOf = {
  TOKEN_MISSING: 401,
  TOKEN_INVALID: 401,
  TOKEN_EXPIRED: 401,
  JWT_INVALID: 401,
  ORIGIN_FORBIDDEN: 403,
  TYPE_FORBIDDEN: 415,
} as const

export type RefusalCode = keyof typeof refusalStatusOf

/** A refusal with a code of this API. Its message is shown to the caller. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  readonly field: string | undefined

  constructor(code: RefusalCode, message: string, field?: string) {
    super(message)
    this.code = code
    this.field = field
  }
}

/** Sends every failure as `{"error": {"code", "message", "field"?}}`. */
export function sendError(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error instanceof Refusal) {
    const { code, message, field } = error
    return reply.code(refusalStatusOf[code]).send(bodyOf(code, message, field))
  }
  const known = asPlugboardError(error, request.routeOptions.bodyLimit)
  const status = statusOf[known.code]
  noteFailure(error, status, request, reply)
  const [issue] = known.issues
  return reply.code(status).send(bodyOf(known.code, messageOf(known), issue && fieldOf(issue.path)))
}

const bodyOf = (code: string, message: string, field: string | undefined) => ({
  error: { code, message, ...(field !== undefined && { field }) },
})

/** Nothing of an internal error, and not what is missing: it may be somebody else's. */
function messageOf({ code, message, issues }: PlugboardError): string {
  if (code === 'INTERNAL') return 'Internal server error'
  if (code === 'NOT_FOUND') return 'Not found'
  return issues.map((issue) => `"${fieldOf(issue.path)}" ${issue.message}`).join('. ') || message
}

const fieldOf = (path: readonly (string | number)[]): string => path.join('.')

/** Errors of the framework (a body that is too large, or no JSON) have a status. */
function asPlugboardError(error: FastifyError | Error, maxBytes = 0): PlugboardError {
  if (isPlugboardError(error)) return error
  const cause = { cause: error }
  if (error instanceof BadRequest) return new PlugboardError('INVALID', error.message, cause)
  const status = 'statusCode' in error ? error.statusCode : undefined
  if (status === 413)
    return new PlugboardError('TOO_LARGE', `the body is larger than ${maxBytes} bytes`, cause)
  if (status !== undefined && status >= 400 && status < 500)
    return new PlugboardError('INVALID', 'the body is not valid JSON', cause)
  return new PlugboardError('INTERNAL', 'Internal server error', cause)
}
