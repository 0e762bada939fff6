import { type CallContext, type Json, type OpenMedia, openProviderFile } from '@plugboard/core'
import type { Session } from './api.js'
import type { Config } from './config.js'
import { classify, Refusal } from './failure.js'
import { id } from './inbound.js'

/** Opens a file of an event. The reference is an id, not a URL, so it cannot lead to another host. */
export const openMedia =
  (apiUrl: string, fetch: typeof globalThis.fetch) =>
  async (ref: Json, { integration, signal }: CallContext<Config, Session>): Promise<OpenMedia> => {
    const url = new URL(`${apiUrl.replace(/\/+$/, '')}/v1/files?id=${encodeURIComponent(id.parse(ref))}`)
    const { authorization } = integration.session
    return openProviderFile({
      provider: 'Acme Chat',
      url,
      // Where Acme Chat redirects to, such as a file store, must not get the token.
      credentialsFor: ({ origin }) => (origin === url.origin ? { authorization } : undefined),
      fetch,
      signal,
      failureOf: (response) =>
        response.ok || response.status === 404 ? undefined : classify(new Refusal(response)),
    })
  }
