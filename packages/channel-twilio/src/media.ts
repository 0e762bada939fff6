import {
  type CallContext,
  type Failure,
  FailureError,
  isUrl,
  type Json,
  type OpenMedia,
  openProviderFile,
} from '@plugboard/core'
import { clientOf, type Session } from './api.js'
import type { Config } from './config.js'
import { failureOfAnswer } from './failure.js'

const API_ORIGIN = 'https://api.twilio.com'

/**
 * The address of a file at Twilio or at the operator's base URL; undefined for any other. Credentials may be sent only
 * there, and a message can contain an address of another host.
 */
export function mediaUrl(text: string, apiBaseUrl: string): URL | undefined {
  const url = isUrl(text) ? new URL(text) : undefined
  if (!url || url.username + url.password !== '') return undefined
  const isTwilio = url.protocol === 'https:' && url.port === '' && /(^|\.)twilio\.com$/.test(url.hostname)
  return isTwilio || url.origin === new URL(apiBaseUrl).origin ? url : undefined
}

/**
 * Opens a file that an event named. `ref` is checked once more. Twilio redirects once, to the storage of the file,
 * whose signed address needs no credentials, so only the first request has them.
 */
export const openMedia =
  (apiBaseUrl: string, fetch: typeof globalThis.fetch) =>
  async (ref: Json, { integration, signal }: CallContext<Config, Session>): Promise<OpenMedia> => {
    clientOf(integration.session)
    const { accountSID, authToken } = integration.config
    const named = typeof ref === 'string' ? mediaUrl(ref, apiBaseUrl) : undefined
    if (!named) throw new FailureError({ kind: 'invalid', message: 'the file is not at Twilio' })
    const url = named.origin === API_ORIGIN ? new URL(`${apiBaseUrl}${named.pathname}${named.search}`) : named
    const authorization = `Basic ${Buffer.from(`${accountSID}:${authToken}`).toString('base64')}`
    return openProviderFile({
      provider: 'Twilio',
      url,
      credentialsFor: (target) => (target === url ? { authorization } : undefined),
      fetch,
      signal,
      failureOf,
    })
  }

function failureOf({ ok, status, headers }: Response): Failure | undefined {
  if (ok) return undefined
  if (status === 404 || status === 410) return { kind: 'invalid', message: 'the file is gone' }
  return failureOfAnswer({ status, retryAfter: headers.get('retry-after') ?? undefined })
}
