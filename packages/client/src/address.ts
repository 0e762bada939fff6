/** Query of a request. Keys without a value are omitted. */
export type Query = Readonly<Record<string, string | number | undefined>>

/** Of a server's address that was copied with the path of its API. */
const API_PATH = /\/api\/v1\/*$/

/**
 * Returns the root URL of the API, without a trailing slash. The address may end in `/api/v1`.
 * @throws TypeError for an invalid address; the message omits it, because it may contain a password
 */
export function apiRoot(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:') {
    throw new TypeError('url must be an absolute http(s) URL')
  }
  if (parsed.username || parsed.password || parsed.search || parsed.hash) {
    throw new TypeError('url must hold no credentials, query or fragment')
  }
  return `${parsed.origin}${parsed.pathname.replace(API_PATH, '').replace(/\/+$/, '')}/api/v1`
}

/**
 * Builds a path of the API, such as `/users/u1`, from its segments.
 * @throws TypeError for an empty or dotted segment, which would select another route
 */
export function pathOf(segments: readonly string[]): string {
  return segments.map((segment) => `/${encode(segment)}`).join('')
}

/** `?limit=5`, or nothing. */
export function queryOf(query: Query): string {
  const params = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) params.set(key, String(value))
  }
  const text = params.toString()
  return text && `?${text}`
}

function encode(segment: string): string {
  if (typeof segment !== 'string' || ['', '.', '..'].includes(segment)) {
    throw new TypeError('an id must be a non-empty string')
  }
  return encodeURIComponent(segment)
}
