import type { PageParams } from './page-props.js'

/** The values of a path that a pattern names, or undefined if it is another path: `clients/:clientId`. */
export function match(pattern: string, path: string): PageParams | undefined {
  const [expected, parts] = [partsOf(pattern), partsOf(path)]
  if (expected.length !== parts.length) return undefined
  const params: Record<string, string> = {}
  for (const [n, part] of parts.entries()) {
    const name = expected[n] ?? ''
    if (name.startsWith(':')) params[name.slice(1)] = decoded(part)
    else if (name !== part) return undefined
  }
  return params
}

const partsOf = (path: string): string[] => (path === '' ? [] : path.split('/'))

/** An address may have anything in it. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
