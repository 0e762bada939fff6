import { isId, toUuid } from '@plugboard/core'
import { type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino'
import { maskedPath, withMaskedUrls } from './masked-urls.js'

/** Headers with credentials or signatures. */
const SECRET_HEADERS = [
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'x-bp-messaging-client-token',
  'x-bp-messaging-user-token',
  'x-bp-messaging-admin-key',
  'x-bp-messaging-webhook-token',
  'x-telegram-bot-api-secret-token',
  'x-slack-signature',
  'x-twilio-signature',
  'x-signature-ed25519',
  'x-hub-signature-256',
  'webhook-signature',
]

const redacted = ['headers', '*.headers', '*.*.headers'].flatMap((place) =>
  SECRET_HEADERS.map((name) => `${place}["${name}"]`),
)

/** Maximum depth of logged error causes. */
const MAX_CAUSES = 4

/**
 * The server's log: JSON lines, or lines for a person if the destination is {@link forPeople}. Bodies, query strings and headers are never logged; the redaction covers accidental logs
 * of plugins. Possible secrets in URLs are masked everywhere.
 */
export function createLog(level: string, destination?: DestinationStream): Logger {
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: redacted, censor: '***' },
    serializers: { err: serializeError, req: serializeRequest },
    formatters: { log: withUuids },
    hooks: { streamWrite: withMaskedUrls },
  }
  return destination ? pino(options, destination) : pino(options)
}

const ID = /\b[0-9a-f]{24}\b/g

/**
 * Shows the ids of a line as the Messaging API does, as UUIDs, so that either can be searched for in the other.
 * `hexIds` holds the same ids in the form of the other APIs.
 */
function withUuids(line: Record<string, unknown>): Record<string, unknown> {
  const hexIds: string[] = []
  const shown: Record<string, unknown> = {}
  for (const name in line) {
    const value = line[name]
    shown[name] =
      typeof value === 'string' && (name.endsWith('Id') || name === 'target')
        ? value.replace(ID, (id) => {
            if (!isId(id)) return id
            hexIds.push(id)
            return toUuid(id)
          })
        : value
  }
  return hexIds.length > 0 ? { ...shown, hexIds } : line
}

/** Errors of HTTP libraries contain requests with credentials, so only these members are logged. */
function serializeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { message: String(error) }
  const { name, message, stack, cause } = error
  return {
    type: name,
    ...('code' in error && { code: error.code }),
    message,
    stack,
    ...(cause !== undefined && depth < MAX_CAUSES && { cause: serializeError(cause, depth + 1) }),
  }
}

const serializeRequest = (request: FastifyRequest): object => ({
  method: request.method,
  path: maskedPath(request),
  ip: request.ip,
})

/** One line per response, by status: 5xx error, 4xx info, others debug, so that busy routes cost nothing. */
export class RequestLog extends LogController {
  constructor() {
    super({ disableRequestLogging: true })
  }

  override requestCompleted(
    error: Error | null | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    if (request.isHandedOver) return
    const status = reply.statusCode
    const level = status >= 500 || error ? 'error' : status >= 400 ? 'info' : 'debug'
    const log = request.log as Logger
    if (!log.isLevelEnabled(level)) return
    const ms = Math.round(reply.elapsedTime)
    log[level](
      { reqId: request.id, req: request, status, ms, ...(error && { err: error }) },
      'request completed',
    )
  }
}
