import { type ErrorCode, isPlugboardError, PlugboardError } from '@plugboard/core'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { BadRequest } from '../../http/errors/bad-request.js'
import { NOT_IMPLEMENTED, noteFailure } from '../note-failure.js'

/** One entry of the envelope. */
interface Fault {
  code: string
  title: string
}

/** Objects with a separate not-found code. */
export type Missing = 'app' | 'conversation' | 'user' | 'integration' | 'client' | 'device'

/** A failure in this API's own words. */
export class SunshineError extends Error {
  readonly status: number
  readonly faults: readonly Fault[]

  constructor(status: number, ...faults: Fault[]) {
    super(faults[0]?.title)
    this.status = status
    this.faults = faults
  }
}

export const badRequest = (...titles: string[]): SunshineError =>
  new SunshineError(400, ...titles.map((title) => ({ code: 'bad_request', title })))

export const unsupportedMediaType = (): SunshineError =>
  new SunshineError(415, { code: 'unsupported_media_type', title: 'The body should be JSON' })

export const unauthorized = (): SunshineError =>
  new SunshineError(401, { code: 'unauthorized', title: 'Authorization is required' })

export const forbidden = (title = 'Forbidden'): SunshineError =>
  new SunshineError(403, { code: 'forbidden', title })

export const tooLarge = (maxBytes = 0): SunshineError =>
  new SunshineError(413, { code: 'payload_too_large', title: `The body is larger than ${maxBytes} bytes` })

/** Without a kind: of things that have no code of their own. */
export function notFound(kind?: Missing, title = 'Not found'): SunshineError {
  if (!kind) return new SunshineError(404, { code: 'not_found', title })
  const name = `${kind[0]?.toUpperCase()}${kind.slice(1)}`
  return new SunshineError(404, { code: `${kind}_not_found`, title: `${name} not found` })
}

/** Of operations of the published document that this server leaves out, and why. */
export const notOffered = (operationId: string, why: string): SunshineError =>
  new SunshineError(NOT_IMPLEMENTED, { code: 'not_implemented', title: `${operationId}: ${why}` })

/** Kind of the object that was not found. */
export async function orNotFound<T>(kind: Missing | undefined, looked: Promise<T>): Promise<T> {
  try {
    return await looked
  } catch (error) {
    throw isPlugboardError(error, 'NOT_FOUND') ? notFound(kind) : error
  }
}

/** Status and code of each error of the domain. */
const known = {
  INVALID: [400, 'bad_request'],
  UNAUTHORIZED: [401, 'unauthorized'],
  FORBIDDEN: [403, 'forbidden'],
  NOT_FOUND: [404, 'not_found'],
  CONFLICT: [409, 'conflict'],
  MISMATCH: [422, 'unprocessable_entity'],
  TOO_LARGE: [413, 'payload_too_large'],
  RATE_LIMITED: [429, 'too_many_requests'],
  UNAVAILABLE: [503, 'service_unavailable'],
  NO_SPACE: [507, 'insufficient_storage'],
  INTERNAL: [500, 'internal_server_error'],
} as const satisfies Record<ErrorCode, readonly [number, string]>

/** Answers every failure in this API's envelope. */
export function sendError(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, faults } = error instanceof SunshineError ? error : asSunshineError(error, request)
  noteFailure(error, status, request, reply)
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ errors: faults }))
}

function asSunshineError(error: FastifyError | Error, request: FastifyRequest): SunshineError {
  if (isPlugboardError(error)) return fromDomain(error)
  if (error instanceof BadRequest) return badRequest(error.message)
  const status = 'statusCode' in error ? error.statusCode : undefined
  if (status === 413) return tooLarge(request.routeOptions.bodyLimit)
  if (status === 415) return unsupportedMediaType()
  if ('code' in error && error.code === 'FST_ERR_BAD_URL') return badRequest('The address is not valid')
  if (status !== undefined && status >= 400 && status < 500) return badRequest('The body is not valid JSON')
  return fromDomain(new PlugboardError('INTERNAL', 'Internal server error'))
}

function fromDomain(error: PlugboardError): SunshineError {
  const [status, code] = known[error.code]
  if (error.code === 'INTERNAL') return new SunshineError(status, { code, title: 'Internal server error' })
  if (error.code === 'INVALID' && error.issues.length > 0) {
    const titles = error.issues.map(({ path, message }) =>
      path.length === 0 ? message : `${labelOf(path)} ${message}`,
    )
    return badRequest(...titles)
  }
  return new SunshineError(status, { code, title: error.message })
}

const labelOf = (path: readonly (string | number)[]): string =>
  path.map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${part}`)).join('')
