import { exchange, type Json, jsonInAnswer } from '@plugboard/core'
import { SignJWT } from 'jose'
import { type Config, keyOf, type Options } from './config.js'
import { type Refusal, RefusedError, refusalIn } from './failure.js'

type Fetch = typeof globalThis.fetch

/** Largest answer that is read, in bytes; Vonage's have a few kilobytes. */
const MAX_ANSWER_BYTES = 1024 * 1024
/** How long a token of an application is valid, and how long before its end there is a new one. In seconds. */
const [TOKEN_S, RENEWAL_S] = [900, 300]

/** The headers with the credentials of one integration. */
export interface Session {
  /** The name and the password of the account. */
  basic: string
  /** The token of the application, or `basic` without one. */
  authorization(): Promise<string>
}

export function connect({ apiKey, apiSecret, applicationId, privateKey }: Config): Session {
  const basic = `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}`
  if (applicationId === undefined || privateKey === undefined)
    return { basic, authorization: async () => basic }
  let last: { header: Promise<string>; until: number } | undefined
  return {
    basic,
    authorization() {
      const now = Math.floor(Date.now() / 1000)
      if (!last || last.until < now)
        last = { header: tokenOf(applicationId, privateKey, now), until: now + TOKEN_S - RENEWAL_S }
      return last.header
    },
  }
}

/** https://developer.vonage.com/en/getting-started/concepts/authentication#json-web-tokens */
async function tokenOf(applicationId: string, privateKey: string, now: number): Promise<string> {
  const token = new SignJWT({ application_id: applicationId, jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuedAt(now)
    .setExpirationTime(now + TOKEN_S)
  return `Bearer ${await token.sign(keyOf(privateKey))}`
}

/** One request to Vonage. */
export interface Request {
  method: 'GET' | 'POST' | 'PATCH'
  url: string
  authorization: string
  body?: Json
  signal: AbortSignal
}

/**
 * Calls Vonage with the `fetch` of the host, once. Returns the JSON of its answer, and undefined for an answer without any.
 * @throws FailureError; a RefusedError if Vonage answered with an error
 */
export async function request(
  fetch: Fetch,
  { method, url, authorization, body, signal }: Request,
): Promise<unknown> {
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
        authorization,
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'manual',
      signal,
    },
    { peer: 'Vonage', maxBytes: MAX_ANSWER_BYTES },
  )
  const answer = jsonInAnswer(received)
  if (status >= 200 && status < 300) return answer
  const refusal: Refusal = {
    status,
    ...refusalIn(answer),
    retryAfter: headers.get('retry-after') ?? undefined,
    field: authorization.startsWith('Basic ') ? 'apiSecret' : 'privateKey',
  }
  throw new RefusedError(refusal)
}

/** Where messages are sent. */
export const messagesUrl = ({ useTestingApi }: Config, options: Options): string =>
  `${useTestingApi ? options.sandboxBaseUrl : options.apiBaseUrl}/v1/messages`
