import type { FastifyRequest } from 'fastify'

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

/** Path prefixes of file URLs. These URLs grant access, so they are never logged. */
const FILES = /^\/+(media|attachments)\//i

/** Maximum length of a logged path: a caller can send many thousands of characters. */
const MAX_PATH = 200

/** The path without the query, which may contain a token. Only the start of an unknown path. */
export function maskedPath(request: FastifyRequest): string {
  const [path = ''] = request.url.split('?', 1)
  // A path can be encoded differently, such as `/%6dedia/`, and match the same route.
  const { url: route = path } = request.routeOptions
  const [, folder] = FILES.exec(route) ?? FILES.exec(path) ?? []
  if (folder) return `/${folder.toLowerCase()}/…`
  const segments = request.is404 ? path.split('/', 5) : []
  const shown = segments.length > 4 ? `${segments.slice(0, 4).join('/')}/…` : path
  return shown.length > MAX_PATH ? `${shown.slice(0, MAX_PATH - 1)}…` : shown
}
