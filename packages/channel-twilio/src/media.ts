import { type CallContext, FailureError, type Json, networkFailure, type OpenMedia } from '@plugboard/core'
import { clientOf, type Session } from './api.js'
import type { Config } from './config.js'
import { failureOfAnswer } from './failure.js'

const API_ORIGIN = 'https://api.twilio.com'
/** Twilio redirects once, to where the file is stored. */
const MAX_REDIRECTS = 3

type Fetch = typeof globalThis.fetch

/**
 * The address of a file at Twilio, or at the operator's base; undefined for any other. Only there credentials may go:
 * a message can come with an address of another host.
 */
export function mediaUrl(text: string, apiBaseUrl: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || url.username + url.password !== '') return undefined
  const isTwilio = url.protocol === 'https:' && url.port === '' && /(^|\.)twilio\.com$/.test(url.hostname)
  return isTwilio || url.origin === new URL(apiBaseUrl).origin ? url : undefined
}

/**
 * Opens a file that an event named. The first request has the credentials and goes to Twilio (`ref` is checked once
 * more); where it redirects to gets none, and is called by the host's guarded fetch.
 */
export const openMedia =
  (apiBaseUrl: string, guardedFetch: Fetch) =>
  async (ref: Json, { integration, signal }: CallContext<Config, Session>): Promise<OpenMedia> => {
    clientOf(integration.session)
    const { accountSID, authToken } = integration.config
    const url = typeof ref === 'string' ? mediaUrl(ref, apiBaseUrl) : undefined
    if (!url) throw new FailureError({ kind: 'invalid', message: 'this is no file at Twilio' })
    const authorization = `Basic ${Buffer.from(`${accountSID}:${authToken}`).toString('base64')}`
    const first = url.origin === API_ORIGIN ? `${apiBaseUrl}${url.pathname}${url.search}` : url.href
    // Not the guarded one: the operator's base may well be in a private network.
    let response = await get(globalThis.fetch, first, { headers: { authorization }, signal })
    for (let hops = 0, from = first; isRedirect(response) && hops < MAX_REDIRECTS; hops += 1) {
      from = await targetOf(response, from)
      response = await get(guardedFetch, from, { signal })
    }
    if (response.ok) return opened(response)
    await response.body?.cancel()
    throw new FailureError(failureOf(response))
  }

const get = (fetch: Fetch, url: string, init: RequestInit): Promise<Response> =>
  fetch(url, { ...init, redirect: 'manual' }).catch((error: unknown) => {
    throw new FailureError(networkFailure(error, 'Twilio'))
  })

const isRedirect = ({ status, headers }: Response): boolean =>
  status >= 300 && status < 400 && headers.has('location')

async function targetOf(response: Response, from: string): Promise<string> {
  await response.body?.cancel()
  const location = response.headers.get('location') ?? ''
  if (URL.canParse(location, from)) return new URL(location, from).href
  throw new FailureError({ kind: 'invalid', message: 'Twilio redirects to an address that is none' })
}

function opened({ headers, body }: Response): OpenMedia {
  const mime = headers.get('content-type')
  const length = headers.get('content-length')
  // `fetch` unpacks, so that the length would be that of something else.
  const isPlain = !headers.has('content-encoding')
  return {
    body: body ?? new Blob([]).stream(),
    ...(mime && { mime }),
    ...(length && /^\d+$/.test(length) && isPlain && { size: Number(length) }),
  }
}

function failureOf({ status, headers }: Response) {
  if (status === 404 || status === 410) return { kind: 'invalid' as const, message: 'the file is gone' }
  return failureOfAnswer({ status, retryAfter: headers.get('retry-after') ?? undefined })
}
