import { isUrl } from '@plugboard/core'
/**
 * The address for a link or a button: http or https, with a dot in the host name. Undefined for others, such as
 * `http://localhost`, because Telegram rejects the whole message.
 */
export function linkTo(text: string): string | undefined {
  const url = webAddress(text)
  if (!url || url.href.length > 2048) return undefined
  return /[^.]\.[^.]/.test(url.hostname) && url.username === '' ? url.href : undefined
}

/** The address of a file for Telegram to download; undefined for other texts, which Telegram takes for file ids. */
export const fileAt = (text: string): string | undefined => webAddress(text)?.href

/** A web address. Its `href` has no surrounding white space and only ASCII. */
function webAddress(text: string): URL | undefined {
  if (!isUrl(text)) return undefined
  const url = new URL(text)
  return /^https?:$/.test(url.protocol) ? url : undefined
}

/** The extension of a file name, in lower case and without the dot; empty if there is none. */
export function extensionOf(url: string): string {
  const { pathname } = new URL(url)
  return /\.([a-z0-9]{1,5})$/i.exec(pathname)?.[1]?.toLowerCase() ?? ''
}
