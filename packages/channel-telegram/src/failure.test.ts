import type { Failure } from '@plugboard/core'
import type { Answer, Fault } from '@plugboard/core/testing'
import { describe, expect, test } from 'vitest'
import { refusal } from '../test/fake-telegram.js'
import { botToken, onStage } from '../test/stage.js'
import { ApiError } from './api.js'
import { classify } from './failure.js'

/** What becomes of a text that Telegram answers so. */
const answered = (answer: Answer, thread = '501') =>
  onStage(async ({ api, post, fail }) => {
    api.answerNext(answer)
    const { thrown, ...failure } = await fail(() => post({ type: 'text', text: 'a private text' }, thread))
    const said = `${(thrown as Error).message}\n${(thrown as Error).stack}\n${failure.message}`
    expect(said).not.toContain(botToken.split(':')[1])
    expect(said).not.toContain('a private text')
    expect(thrown).not.toHaveProperty('cause')
    return failure as Failure
  })

describe('an answer of Telegram', () => {
  test.each<[Failure['kind'], number, string]>([
    ['auth', 401, 'Unauthorized'],
    ['auth', 404, 'Not Found'],
    ['recipient', 403, 'Forbidden: bot was blocked by the user'],
    ['recipient', 403, 'Forbidden: user is deactivated'],
    ['recipient', 403, 'Forbidden: bot was kicked from the supergroup chat'],
    ['recipient', 403, "Forbidden: bot can't initiate conversation with a user"],
    ['recipient', 400, 'Bad Request: chat not found'],
    ['recipient', 400, 'Bad Request: PEER_ID_INVALID'],
    ['recipient', 400, 'Bad Request: not enough rights to send text messages to the chat'],
    ['recipient', 400, 'Bad Request: message thread not found'],
    ['recipient', 400, 'Bad Request: TOPIC_CLOSED'],
    ['invalid', 400, 'Bad Request: message text is empty'],
    ['invalid', 400, 'Bad Request: BUTTON_DATA_INVALID'],
    ['invalid', 413, 'Request Entity Too Large'],
    ['transient', 409, 'Conflict: terminated by other getUpdates request'],
    ['ambiguous', 500, 'Internal Server Error'],
    ['ambiguous', 502, 'Bad Gateway'],
    ['ambiguous', 504, 'Gateway Timeout'],
  ])('is %s: %i %s', async (kind, status, description) => {
    const failure = await answered(refusal(status, description))
    expect(failure).toMatchObject({
      kind,
      message: expect.stringContaining(`Telegram answered ${status} to sendMessage`),
    })
    if (status < 500) expect(failure.message).toContain(description.split("'")[0])
  })

  test('that the token is wrong names the field', async () => {
    expect(await answered(refusal(401, 'Unauthorized'))).toMatchObject({ kind: 'auth', field: 'botToken' })
    expect(await answered(refusal(404, 'Not Found'))).toMatchObject({ kind: 'auth', field: 'botToken' })
  })

  test.each([
    ['the whole bot, for a person', '501', 'integration'],
    ['one room, for a group', '-1002003004005', 'endpoint'],
  ])('that it is too fast pauses %s', async (_, thread, scope) => {
    const answer = refusal(429, 'Too Many Requests: retry after 7', { retry_after: 7 })
    expect(await answered(answer, thread)).toMatchObject({ kind: 'rate-limited', scope, retryAfterMs: 7000 })
  })

  test.each([
    [undefined, undefined],
    [{ retry_after: 0 }, 0],
    [{ retry_after: -1 }, undefined],
    [{ retry_after: 'soon' }, undefined],
    [{ retry_after: 1e9 }, 86_400_000],
  ])('with the parameters %o waits %s ms', async (parameters, retryAfterMs) => {
    const failure = await answered(refusal(429, 'Too Many Requests', parameters))
    expect('retryAfterMs' in failure ? failure.retryAfterMs : undefined).toBe(retryAfterMs)
  })

  test.each([
    ['no JSON', '<html>bad gateway</html>'],
    ['no object', 'null'],
    ['nothing known', '{}'],
    ['odd values', '{"ok":false,"error_code":"x","description":{}}'],
    ['nothing', ''],
  ])('that is %s is ambiguous', async (_, body) => {
    expect(await answered({ status: 200, body })).toMatchObject({ kind: 'ambiguous' })
  })

  test('is quoted up to where it quotes the message', async () => {
    const description =
      'Bad Request: inline keyboard button URL \'a private text\' is invalid: "a private text"'
    const { message } = await answered(refusal(400, description))
    expect(message).toBe('Telegram answered 400 to sendMessage: Bad Request: inline keyboard button URL')
  })
})

describe('no answer', () => {
  const coded = (code: string) => new ApiError('sendMessage', { code })

  test.each([
    ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'CERT_HAS_EXPIRED'].map((code) => [
      'transient',
      code,
    ]),
    ...['ECONNRESET', 'ETIMEDOUT', 'AbortError', 'invalid-json', 'aborted'].map((code) => [
      'ambiguous',
      code,
    ]),
  ])('is %s: %s', (kind, code = '') => {
    expect(classify(coded(code))).toEqual({
      kind,
      message: `no answer to sendMessage from Telegram (${code})`,
    })
  })

  test.each<[Failure['kind'], Exclude<Fault, 'refused'>]>([
    ['ambiguous', 'reset'],
    ['ambiguous', 'lost-answer'],
    ['transient', 'redirect'],
  ])('is %s on a connection with the fault %s', (kind, fault) =>
    onStage(async ({ api, post, fail }) => {
      api.failWith(fault)
      const failure = await fail(() => post({ type: 'text', text: 'hello' }))
      expect(failure.kind).toBe(kind)
      expect(String((failure.thrown as Error).stack)).not.toContain(botToken.split(':')[1])
    }),
  )

  test('is transient where nobody listens, and where there is no such host', async () => {
    for (const apiRoot of ['http://127.0.0.1:1', 'http://no-such-host.invalid']) {
      const { kind } = await onStage(({ post, fail }) => fail(() => post({ type: 'text', text: 'hello' })), {
        apiRoot,
      })
      expect(kind).toBe('transient')
    }
  })
})
