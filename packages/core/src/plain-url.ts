import { isUrl } from './is-url.js'
/**
 * Whether an address has no user name, no password, no query and no fragment, as the base address of an API. True for a
 * text that is no address: that is another fault.
 */
export function isPlainUrl(text: string): boolean {
  if (!isUrl(text)) return true
  const { username, password, search, hash } = new URL(text)
  return username + password + search + hash === ''
}
