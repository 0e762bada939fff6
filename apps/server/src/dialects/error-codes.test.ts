import { type ErrorCode, errorCodes, PlugboardError } from '@plugboard/core'
import { type FastifyInstance, fastify } from 'fastify'
import { expect, test } from 'vitest'
import { sendPlainError } from '../http/errors/plain-errors.js'
import { sendError as sendMessagingError } from './messaging-v1/errors.js'
import { sendError as sendSmartifyError } from './smartify/errors.js'
import { sendError as sendSunshineError } from './sunshine-v2/errors.js'

const senders = {
  Messaging: sendMessagingError,
  Sunshine: sendSunshineError,
  Smartify: sendSmartifyError,
  elsewhere: sendPlainError,
}

type Api = keyof typeof senders

const apis = Object.keys(senders) as Api[]
const codes = Object.keys(errorCodes) as ErrorCode[]

/** What a caller of this API gets for this code. */
async function answerOf(api: Api, code: ErrorCode) {
  const app: FastifyInstance = fastify()
  app.setErrorHandler(senders[api])
  app.get('/', () => {
    throw new PlugboardError(code, 'the reason', code === 'RATE_LIMITED' ? { retryAfterMs: 1_500 } : {})
  })
  const { statusCode: status, body, headers } = await app.inject('/')
  return { status, body, retryAfter: headers['retry-after'], challenge: headers['www-authenticate'] }
}

async function lineOf(api: Api, code: ErrorCode): Promise<string> {
  const { status, body, retryAfter, challenge } = await answerOf(api, code)
  const headers = [
    ...(retryAfter === undefined ? [] : [`(retry-after: ${retryAfter})`]),
    ...(challenge === undefined ? [] : [`(www-authenticate: ${challenge})`]),
  ]
  return ['', api.padEnd(9), status, body, ...headers].join(' ').trimEnd()
}

test('every code has a status and a body in every API', async () => {
  const lines: string[] = []
  for (const code of codes) {
    lines.push(code)
    for (const api of apis) lines.push(await lineOf(api, code))
  }
  expect(`\n${lines.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    INVALID
     Messaging 400 the reason
     Sunshine  400 {"errors":[{"code":"bad_request","title":"the reason"}]}
     Smartify  422 {"errors":["the reason"]}
     elsewhere 400 the reason
    UNAUTHORIZED
     Messaging 401 Unauthorized
     Sunshine  401 {"errors":[{"code":"unauthorized","title":"the reason"}]}
     Smartify  401 Unauthorized (www-authenticate: Basic realm="Users")
     elsewhere 401 Unauthorized
    FORBIDDEN
     Messaging 403 the reason
     Sunshine  403 {"errors":[{"code":"forbidden","title":"the reason"}]}
     Smartify  403 {"success":false,"msg":"the reason"}
     elsewhere 403 Forbidden
    NOT_FOUND
     Messaging 404 Not Found
     Sunshine  404 {"errors":[{"code":"not_found","title":"the reason"}]}
     Smartify  404 {"success":false,"msg":"Object not found."}
     elsewhere 404 Not Found
    CONFLICT
     Messaging 409 the reason
     Sunshine  409 {"errors":[{"code":"conflict","title":"the reason"}]}
     Smartify  409 {"success":false,"msg":"the reason"}
     elsewhere 409 the reason
    MISMATCH
     Messaging 422 the reason
     Sunshine  422 {"errors":[{"code":"unprocessable_entity","title":"the reason"}]}
     Smartify  422 {"success":false,"msg":"the reason"}
     elsewhere 422 Unprocessable Entity
    TOO_LARGE
     Messaging 413 the reason
     Sunshine  413 {"errors":[{"code":"payload_too_large","title":"the reason"}]}
     Smartify  413 {"err":"the reason"}
     elsewhere 413 Payload Too Large
    RATE_LIMITED
     Messaging 429 the reason (retry-after: 2)
     Sunshine  429 {"errors":[{"code":"too_many_requests","title":"the reason"}]} (retry-after: 2)
     Smartify  429 {"success":false,"msg":"the reason"} (retry-after: 2)
     elsewhere 429 Too Many Requests (retry-after: 2)
    UNAVAILABLE
     Messaging 503 the reason (retry-after: 1)
     Sunshine  503 {"errors":[{"code":"service_unavailable","title":"the reason"}]} (retry-after: 1)
     Smartify  503 {"success":false,"msg":"Service unavailable."} (retry-after: 1)
     elsewhere 503 Service Unavailable (retry-after: 5)
    NO_SPACE
     Messaging 507 the reason
     Sunshine  507 {"errors":[{"code":"insufficient_storage","title":"the reason"}]}
     Smartify  507 {"success":false,"msg":"Insufficient storage."}
     elsewhere 507 Insufficient Storage
    INTERNAL
     Messaging 500 Internal Server Error
     Sunshine  500 {"errors":[{"code":"internal_server_error","title":"Internal server error"}]}
     Smartify  500 {"success":false,"msg":"Internal server error."}
     elsewhere 500 Internal Server Error
    "
  `)
})

/** The code that Sunshine's envelope carries. */
function sunshineCode(body: string): string {
  const { errors }: { errors: { code: string }[] } = JSON.parse(body)
  return errors.map(({ code }) => `\`${code}\``).join(', ')
}

test('docs/errors.md has the table of codes as it is; `-u` writes it', async () => {
  const rows = await Promise.all(
    codes.map(async (code) => {
      const [messaging, sunshine, smartify] = await Promise.all([
        answerOf('Messaging', code),
        answerOf('Sunshine', code),
        answerOf('Smartify', code),
      ])
      const cells = [messaging.status, `${sunshine.status} ${sunshineCode(sunshine.body)}`, smartify.status]
      return `| \`${code}\` | ${errorCodes[code]} | ${cells.join(' | ')} |`
    }),
  )
  const page = [
    '# Errors',
    '',
    'Every error has one of these codes. Each API maps a code to a status and a body in its own format: the Messaging API to plain text, Sunshine to `{"errors":[{"code","title"}]}`, Smartify to `{"success":false,"msg"}`, `{"err"}` or `{"errors"}`. Responses with 503 and 429 have a `retry-after` in seconds.',
    '',
    '| code | meaning | Messaging API | Sunshine | Smartify |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    'A test generates this page. After changing the codes, run `pnpm exec vitest run apps/server/src/dialects/error-codes.test.ts -u`.',
    '',
  ]
  await expect(page.join('\n')).toMatchFileSnapshot('../../../../docs/errors.md')
})
