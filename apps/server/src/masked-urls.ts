/** Any absolute URL except source files in stack traces. Ends where JSON or prose continues. */
const URLS = /\b(?!file:|node:)([a-z][a-z0-9+.-]{1,20}:\/\/)([^\s"'<>\\?#]*)([?#][^\s"'<>\\]*)?/gi

/** Longer path segments may be tokens, as in URLs of Slack, Discord, Telegram and files of this server. */
const MIN_TOKEN = 16

/**
 * Masks possible secrets in the URLs of a text: user names and passwords, queries, and long path segments. The URL of a
 * webhook or a file often grants access without anything else.
 */
export const withMaskedUrls = (text: string): string =>
  text.includes('://')
    ? text.replace(URLS, (_, scheme: string, place: string, rest = '') => {
        const [authority = '', ...path] = place.split('/')
        const shown = path.map((segment) => (segment.length < MIN_TOKEN ? segment : '…'))
        const host = authority.replace(/^.*@/, '***@')
        return `${scheme}${[host, ...shown].join('/')}${rest === '' ? '' : `${rest[0]}…`}`
      })
    : text
