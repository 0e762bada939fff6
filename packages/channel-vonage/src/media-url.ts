import { isUrl } from '@plugboard/core'

/** Hosts of Vonage, which may get the credentials. */
const VONAGE = /(^|\.)(nexmo|vonage)\.com$/

/**
 * The address of a file at Vonage; undefined for any other. Credentials may be sent only there, and a message can contain
 * an address of another host.
 */
export function mediaUrl(text: string): URL | undefined {
  const url = isUrl(text) ? new URL(text) : undefined
  if (!url || url.username + url.password !== '' || url.port !== '' || url.protocol !== 'https:')
    return undefined
  return VONAGE.test(url.hostname) ? url : undefined
}

/** The same address at the operator's base URL, if that is another than Vonage's own. */
export function proxied(url: URL, apiBaseUrl: string): URL {
  return VONAGE.test(new URL(apiBaseUrl).hostname)
    ? url
    : new URL(`${apiBaseUrl}${url.pathname}${url.search}`)
}
