import { STATUS_CODES } from 'node:http'
import { type ErrorCode, isPlugboardError } from '@plugboard/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { BadRequest } from './bad-request.js'
import { statusOf } from './error-status.js'

/** How long to stay away when nothing else is known, in milliseconds. */
const RETRY_MS = 5_000

/** Codes whose message is shown to everybody; others could say what exists. */
const SHOWN: readonly ErrorCode[] = ['INVALID', 'CONFLICT']

/** Answers failures outside dialects: a status and a line of plain text. */
export const sendPlainError = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply =>
  sendError(error, request, reply, SHOWN)

/** The same for addresses that only their owner knows, who may also read why something is not there or too large. */
export const sendToOwner = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply =>
  sendError(error, request, reply, [...SHOWN, 'NOT_FOUND', 'TOO_LARGE'])

function sendError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  shown: readonly ErrorCode[],
): FastifyReply {
  const known = isPlugboardError(error) ? error : undefined
  const status = known ? statusOf[known.code] : clientStatus(error)
  // A provider whose channel is not loaded is turned away on purpose, and repeats its requests.
  const isRefusal = known?.code === 'UNAVAILABLE' && known.cause === undefined
  if (status >= 500 && !isRefusal) request.log.error({ err: error, reqId: request.id }, 'request failed')
  if (status === 503 || status === 429)
    void reply.header('retry-after', Math.ceil((known?.retryAfterMs ?? RETRY_MS) / 1000))
  const isShown = known !== undefined && shown.includes(known.code)
  const text = isShown ? known.message : error instanceof BadRequest ? error.message : STATUS_CODES[status]
  return reply.code(status).type('text/plain; charset=utf-8').send(text)
}

/** Errors of the framework (oversized body, malformed URL) already have a status. */
function clientStatus(error: unknown): number {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
  return status >= 400 && status < 500 ? status : 500
}
