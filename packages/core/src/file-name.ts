import { isUrl } from './is-url.js'

/**
 * The name of the file that an `http` address leads to: the last part of its path, decoded if it can be, without characters
 * that a file name or the header of a form cannot have, and at most 100 characters long, its ending included. Undefined for
 * what is no address, or has no last part.
 */
export function fileNameIn(address: URL | string): string | undefined {
  const text = String(address)
  if (!isUrl(text)) return undefined
  const last = new URL(text).pathname.split('/').at(-1) ?? ''
  const name = decoded(last)
    .replace(/[\p{Cc}"\\/:*?<>|]/gu, '_')
    .slice(-MAX_LENGTH)
    .toWellFormed()
    .trim()
  return name || undefined
}

/** In UTF-16 units. */
const MAX_LENGTH = 100

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
