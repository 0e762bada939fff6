import {
  type CallContext,
  type Failure,
  FailureError,
  isUrl,
  type Json,
  type OpenMedia,
  openProviderFile,
} from '@plugboard/core'
import type { Session } from './api.js'
import { baseUrlOf, type Config, hostedUrlOf, type Options } from './config.js'
import { failureOfAnswer } from './failure.js'

/**
 * What a bot gets of a file: a reference if it is at the address of the API, where a private file wants the credentials, or
 * its public address.
 */
export function mediaOf(
  url: string,
  config: Config,
  options: Options,
): { ref: string } | { url: string } | undefined {
  if (ownUrl(url, config, options)) return { ref: url }
  return /^https:\/\/[^\s/@]+\//.test(url) && isUrl(url) ? { url } : undefined
}

/**
 * Where a file of Sunshine is fetched with the credentials: at the address of the API, also if the file is named at the
 * hosted one, and the operator has another. Undefined for any other file.
 */
function ownUrl(text: string, config: Config, options: Options): URL | undefined {
  const url = isUrl(text) ? new URL(text) : undefined
  if (!url || url.username + url.password !== '') return undefined
  const base = baseUrlOf(config, options)
  if (url.origin === new URL(base).origin) return url
  const hosted = hostedUrlOf(config)
  return text.startsWith(`${hosted}/`) ? new URL(base + text.slice(hosted.length)) : undefined
}

/** Opens a file that an event named. `ref` is checked once more. */
export const openMedia =
  (options: Options, fetch: typeof globalThis.fetch) =>
  async (ref: Json, { integration, signal }: CallContext<Config, Session>): Promise<OpenMedia> => {
    const { config, session } = integration
    const url = typeof ref === 'string' ? ownUrl(ref, config, options) : undefined
    if (!url) throw new FailureError({ kind: 'invalid', message: 'the file is not at Sunshine' })
    return openProviderFile({
      provider: 'Sunshine',
      url,
      credentialsFor: (target) =>
        target.origin === url.origin ? { authorization: session.authorization } : undefined,
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
