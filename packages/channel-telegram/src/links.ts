/**
 * An address as Telegram takes it behind a word or a button: http or https, at a host with a dot. It refuses
 * `http://localhost`, and a whole message with it; undefined for such.
 */
export function linkTo(text: string): string | undefined {
  const url = webAddress(text)
  if (!url || url.href.length > 2048) return undefined
  return /[^.]\.[^.]/.test(url.hostname) && url.username === '' ? url.href : undefined
}

/** An address from which Telegram can fetch a file; undefined for other texts, which it would take for ids of files. */
export const fileAt = (text: string): string | undefined => webAddress(text)?.href

/** White space around it, and letters beyond ASCII in it, are for readers; the `href` is for Telegram. */
function webAddress(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return /^https?:$/.test(url.protocol) ? url : undefined
}

/** The ending of a file's name, in lower case and without the dot; empty where there is none. */
export function extensionOf(url: string): string {
  const { pathname } = new URL(url)
  return /\.([a-z0-9]{1,5})$/i.exec(pathname)?.[1]?.toLowerCase() ?? ''
}
