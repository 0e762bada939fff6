/** Any absolute URL except source files in stack traces. Ends where JSON or prose continues. */
const URLS = /\b(?!file:|node:)([a-z][a-z0-9+.-]{1,20}:\/\/)([^\s"'<>\\?#]*)([?#][^\s"'<>\\]*)?/gi

/** Path segments that may be tokens: long ones, as in URLs of Slack and Discord, and shorter ones with a digit (Zapier). */
export const TOKEN = /^(.{16,}|(?=.*\d).{6,})$/s

/**
 * Masks possible secrets in the URLs of a text: user names and passwords, queries, and path segments that look like a token. The URL of a
 * webhook or a file often grants access without anything else.
 */
export const withMaskedUrls = (text: string): string =>
  text.includes('://')
    ? text.replace(URLS, (_, scheme: string, place: string, rest = '') => {
        const [authority = '', ...path] = place.split('/')
        const shown = path.map((segment) => (TOKEN.test(segment) ? '…' : segment))
        const host = authority.replace(/^.*@/, '***@')
        return `${scheme}${[host, ...shown].join('/')}${rest === '' ? '' : `${rest[0]}…`}`
      })
    : text
