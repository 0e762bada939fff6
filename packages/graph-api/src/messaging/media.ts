import {
  type Failure,
  FailureError,
  isUrl,
  type Json,
  type OpenMedia,
  openProviderFile,
} from '@plugboard/core'

/** Where Meta stores what people send: signed addresses that need no credentials, and expire. */
const STORES = /(^|\.)(fbcdn\.net|fbsbx\.com|cdninstagram\.com)$/

/** Whether an address is of a file at Meta, or at the operator's address of the API. */
export type IsFile = (url: URL) => boolean

/** `apiUrl` is where the API is: a fake one has its files there. */
export const fileStores =
  (apiUrl: string): IsFile =>
  (url) => {
    if (url.username + url.password !== '') return false
    const isStored = url.protocol === 'https:' && url.port === '' && STORES.test(url.hostname)
    return isStored || url.origin === new URL(apiUrl).origin
  }

/**
 * Opens a file that a person sent. `ref` is its address, and is checked once more. No credentials are sent.
 * @throws FailureError if it is elsewhere, or gone
 */
export const openFile =
  (provider: string, isFile: IsFile, fetch: typeof globalThis.fetch) =>
  async (ref: Json, { signal }: { signal: AbortSignal }): Promise<OpenMedia> => {
    const url = typeof ref === 'string' && isUrl(ref) ? new URL(ref) : undefined
    if (!url || !isFile(url))
      throw new FailureError({ kind: 'invalid', message: `the file is not at ${provider}` })
    const credentialsFor = (target: URL) => (isFile(target) ? {} : undefined)
    return openProviderFile({ provider, url, credentialsFor, fetch, signal, failureOf: failureOf(provider) })
  }

/** The stores answer 403 when the address has expired. */
const failureOf =
  (provider: string) =>
  ({ ok, status }: Response): Failure | undefined => {
    if (ok) return undefined
    if (status === 403 || status === 404 || status === 410)
      return { kind: 'invalid', message: 'the file is gone, or its address has expired' }
    const message = `${provider} answered ${status} instead of the file`
    return status === 429
      ? { kind: 'rate-limited', scope: 'integration', message }
      : { kind: 'transient', message }
  }
