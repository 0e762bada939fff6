/** Query of a request; keys without a value are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>

/**
 * The root of the API, without a slash at its end.
 * @throws TypeError for an address that can never work; the text does not hold it, as it may have a password.
 */
export function apiRoot(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:') {
    throw new TypeError('url must be an absolute http(s) URL')
  }
  if (parsed.username || parsed.password || parsed.search || parsed.hash) {
    throw new TypeError('url must hold no credentials, query or fragment')
  }
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/, '')}/api/v1`
}

/**
 * A path of the API, `/users/u1`, from its segments.
 * @throws TypeError for an empty or dotted segment, which would name another route.
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
