/**
 * Whether Telegram takes an address behind a word or a button: http or https at a host with a dot. It refuses
 * `http://localhost`, and a whole message with it.
 */
export function isLinkable(url: string): boolean {
  if (!URL.canParse(url) || url.length > 2048) return false
  const { protocol, hostname, username } = new URL(url)
  return /^https?:$/.test(protocol) && /[^.]\.[^.]/.test(hostname) && username === ''
}

/** Whether Telegram can fetch a file from there; any other text would be taken for the id of a file. */
export const isFetchable = (url: string): boolean =>
  URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)

/** The ending of a file's name, in lower case and without the dot; empty where there is none. */
export function extensionOf(url: string): string {
  const { pathname } = new URL(url)
  return /\.([a-z0-9]{1,5})$/i.exec(pathname)?.[1]?.toLowerCase() ?? ''
}
