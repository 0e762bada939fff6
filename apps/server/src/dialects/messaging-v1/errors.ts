import { type ErrorCode, isPlugboardError, PlugboardError } from '@plugboard/core'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { BadRequest } from '../../http/errors/bad-request.js'
import { statusOf } from '../../http/errors/error-status.js'
import { noteFailure } from '../note-failure.js'

/** Fixed bodies of the wire contract, regardless of the reason. */
const FIXED: Partial<Record<ErrorCode, string>> = {
  UNAUTHORIZED: 'Unauthorized',
  NOT_FOUND: 'Not Found',
  INTERNAL: 'Internal Server Error',
}

/** Sends every failure in this dialect's format: a status and plain text, as the clients of this API expect. */
export function sendError(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  return send(error, request, reply, textOf)
}

/** The same for the operator, who may read what is not there. */
export function sendErrorToOperator(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  return send(error, request, reply, (known) => (known.code === 'NOT_FOUND' ? known.message : textOf(known)))
}

function send(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
  textOf: (known: PlugboardError) => string,
): FastifyReply {
  const known = asPlugboardError(error, request.routeOptions.bodyLimit)
  const status = statusOf[known.code]
  noteFailure(error, status, request, reply)
  return reply.code(status).type('text/plain; charset=utf-8').send(textOf(known))
}

function textOf(error: PlugboardError): string {
  if (error.code === 'INVALID' && error.issues.length > 0) {
    return error.issues.map((issue) => `"${labelOf(issue.path)}" ${issue.message}`).join('. ')
  }
  if (error.code === 'FORBIDDEN') return error.message || 'Forbidden'
  return FIXED[error.code] ?? error.message
}

/** Path of a fault in this API's notation: `body.webhooks[0].url`. */
function labelOf(path: readonly (string | number)[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${part}`))
    .join('')
}

/** Errors of the framework (oversized body, malformed JSON) already have a status. */
function asPlugboardError(error: FastifyError | Error, maxBytes = 0): PlugboardError {
  if (isPlugboardError(error)) return error
  if (error instanceof BadRequest) return new PlugboardError('INVALID', error.message, { cause: error })
  const status = 'statusCode' in error ? error.statusCode : undefined
  if (status === 413)
    return new PlugboardError('TOO_LARGE', `the body is larger than ${maxBytes} bytes`, { cause: error })
  if (status !== undefined && status >= 400 && status < 500) {
    return new PlugboardError('INVALID', 'the body is not valid JSON', { cause: error })
  }
  return new PlugboardError('INTERNAL', 'Internal Server Error', { cause: error })
}
