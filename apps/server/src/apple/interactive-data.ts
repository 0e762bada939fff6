import { isUrl, type JsonObject } from '@plugboard/core'
import { AppleDataError } from './apple-data-error.js'
import { decode, decrypt, keyOf, readJson } from './decode.js'
import { download } from './download.js'
import { type AppleCredentials, decodePayload, GATEWAY, preDownload, type SignedPlace } from './gateway.js'

/** Where Apple Messages for Business keeps what a person answered, when it is too large for a message. */
export interface InteractiveDataRef extends SignedPlace {
  /** The iMessage extension that the data are of. */
  bid: string
  /** What they are encrypted with, hex. */
  key: string
}

export interface InteractiveDataOptions {
  /** Refuses forbidden addresses, since the URL is the caller's. */
  fetch: typeof globalThis.fetch
  /** Longest time for all of it, in milliseconds. */
  timeoutMs: number
  /** Who asks Apple's gateway. Without them, only what lies elsewhere can be had. */
  credentials?: AppleCredentials | undefined
  /** Default: Apple's. */
  gateway?: string
}

const MAX_BYTES = 16_777_216

/** What lies here is given to those alone whom Apple's gateway has let in. */
const APPLE = /(^|\.)(icloud\.com|icloud-content\.com|apple\.com)$/i

/**
 * Fetches the data of a reference, decrypts and decodes them: through Apple's gateway where they lie with Apple, and from
 * the address itself where a provider has put them elsewhere. @throws AppleDataError
 */
export async function fetchInteractiveData(
  ref: InteractiveDataRef,
  { fetch, timeoutMs, credentials, gateway = GATEWAY }: InteractiveDataOptions,
): Promise<JsonObject> {
  const key = keyOf(ref.key)
  const options = { fetch, signal: AbortSignal.timeout(timeoutMs), maxBytes: MAX_BYTES }
  const get = async (url: string, headers: Record<string, string> = {}): Promise<Buffer> =>
    decrypt(await download('the address of the data', url, { headers }, options), key, MAX_BYTES)
  if (!isUrl(ref.url)) throw new AppleDataError('the address of the data is not a URL')
  if (!APPLE.test(new URL(ref.url).hostname)) {
    return decode(await get(ref.url, { signature: ref.signature, owner: ref.owner }))
  }
  if (!credentials)
    throw new AppleDataError('the Apple integration lacks the id or the secret of its service provider')
  const data = await get(await preDownload(ref, credentials, gateway, options))
  return readJson(data) ?? decodePayload(data, ref.bid, credentials, gateway, options)
}
