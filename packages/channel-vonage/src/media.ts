import {
  type CallContext,
  type Failure,
  FailureError,
  type Json,
  type OpenMedia,
  openProviderFile,
} from '@plugboard/core'
import type { Session } from './api.js'
import type { Config, Options } from './config.js'
import { failureOfAnswer } from './failure.js'
import { mediaUrl, proxied } from './media-url.js'

/**
 * Opens a file that an event named. `ref` is checked once more. Only the first request has the credentials, not the store
 * that Vonage redirects to. Vonage keeps a file for 48 hours.
 */
export const openMedia =
  ({ apiBaseUrl }: Options, fetch: typeof globalThis.fetch) =>
  async (ref: Json, { integration, signal }: CallContext<Config, Session>): Promise<OpenMedia> => {
    const named = typeof ref === 'string' ? mediaUrl(ref) : undefined
    if (!named) throw new FailureError({ kind: 'invalid', message: 'the file is not at Vonage' })
    const url = proxied(named, apiBaseUrl)
    const authorization = await integration.session.authorization()
    return openProviderFile({
      provider: 'Vonage',
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
