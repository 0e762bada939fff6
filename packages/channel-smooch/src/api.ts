import { type CallContext, exchange, type Json, jsonInAnswer } from '@plugboard/core'
import { baseUrlOf, type Config, type Options } from './config.js'
import { codeIn, RefusedError } from './failure.js'

type Fetch = typeof globalThis.fetch

/** Largest answer that is read, in bytes. */
const MAX_ANSWER_BYTES = 1024 * 1024

/** What an integration needs for its calls. */
export interface Session {
  authorization: string
}

export const connect = ({ keyId, keySecret }: Config): Session => ({
  authorization: `Basic ${Buffer.from(`${keyId}:${keySecret}`).toString('base64')}`,
})

/** One call about an app. */
interface Call {
  method: 'GET' | 'POST' | 'DELETE'
  /** After the app, with its slash. */
  path: string
  body?: Json
  /** The same for each attempt. Sunshine ignores it; a server of Plugboard does not repeat the call. */
  idempotencyKey?: string
}

/** Calls the API for an integration. @throws FailureError; a RefusedError for an error answer */
export type CallApi = (call: Call, context: CallContext<Config, Session>) => Promise<unknown>

/** Makes each call once, with the `fetch` of the host. */
export const api =
  (options: Options, fetch: Fetch): CallApi =>
  async ({ method, path, body, idempotencyKey }, { integration: { config, session }, signal }) => {
    const url = `${baseUrlOf(config, options)}/v2/apps/${encodeURIComponent(config.appId)}${path}`
    const {
      status,
      headers,
      body: received,
    } = await exchange(
      fetch,
      url,
      {
        method,
        headers: {
          authorization: session.authorization,
          accept: 'application/json',
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        redirect: 'manual',
        signal,
      },
      { peer: 'Sunshine', maxBytes: MAX_ANSWER_BYTES },
    )
    const answer = jsonInAnswer(received)
    if (status >= 200 && status < 300) return answer
    throw new RefusedError({
      status,
      code: codeIn(answer),
      retryAfter: headers.get('retry-after') ?? undefined,
    })
  }
