import { isPlugboardError, PlugboardError } from '@plugboard/core'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { noteFailure } from '../dialects/note-failure.js'
import { BadRequest } from '../http/errors/bad-request.js'
import { statusOf } from '../http/errors/error-status.js'

/** Sends every failure as `{"error": {"code", "message", "path"?, "issues"?, "requestId"}}`. */
export function sendError(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const known = asPlugboardError(error, request.routeOptions.bodyLimit)
  const status = statusOf[known.code]
  noteFailure(error, status, request, reply)
  const [issue] = known.issues
  return reply.code(status).send({
    error: {
      code: known.code,
      message: messageOf(known),
      ...(issue && {
        path: issue.path,
        issues: known.issues.map(({ path, message }) => ({ path, message })),
      }),
      requestId: request.id,
    },
  })
}

/** Operators may read what is missing, but nothing of an internal error. */
function messageOf({ code, message, issues }: PlugboardError): string {
  if (code === 'INTERNAL') return 'Internal server error'
  return issues.map((issue) => `"${issue.path.join('.')}" ${issue.message}`).join('. ') || message
}

/** Errors of the framework (a body that is too large, or no JSON) have a status. */
export function asPlugboardError(error: FastifyError | Error, maxBytes = 0): PlugboardError {
  if (isPlugboardError(error)) return error
  const cause = { cause: error }
  if (error instanceof BadRequest) return new PlugboardError('INVALID', error.message, cause)
  const status = 'statusCode' in error ? error.statusCode : undefined
  if (status === 413)
    return new PlugboardError('TOO_LARGE', `the body is larger than ${maxBytes} bytes`, cause)
  if (status === 415) return new PlugboardError('INVALID', 'the body must be application/json', cause)
  if (status !== undefined && status >= 400 && status < 500)
    return new PlugboardError('INVALID', 'the body is not valid JSON', cause)
  return new PlugboardError('INTERNAL', 'Internal server error', cause)
}
