/**
 * Whether a text is an absolute URL. As `URL.canParse`, which says `false` for addresses with letters such as `é` on Node.js
 * 20 and 22 once V8 has compiled its caller (its fast call takes Latin-1 for UTF-8).
 */
export function isUrl(text: string): boolean {
  return URL.canParse(text) || (BEYOND_ASCII.test(text) && isParsed(text))
}

const BEYOND_ASCII = /[^\0-\x7f]/

function isParsed(text: string): boolean {
  try {
    return new URL(text) !== undefined
  } catch {
    return false
  }
}
