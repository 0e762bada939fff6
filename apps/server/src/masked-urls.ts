/** Any absolute URL but those of source files, which stand in stack traces. It ends where JSON or prose goes on. */
const URLS = /\b(?!file:|node:)([a-z][a-z0-9+.-]{1,20}:\/\/)([^\s"'<>\\?#]*)([?#][^\s"'<>\\]*)?/gi

/** A segment of a path that is as long may be a token: Slack, Discord, Telegram and our own files are called by such. */
const MIN_TOKEN = 16

/**
 * A text with what may be a secret left out of its URLs: user names and passwords, queries, and long parts of the path.
 * Whoever has the address of a webhook or of a file often needs nothing else.
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
