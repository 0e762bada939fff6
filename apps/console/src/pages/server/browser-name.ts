/** By how they name themselves. The names of some contain those of others, so the order counts. */
const BROWSERS = [
  ['Firefox', 'Firefox'],
  ['Edg', 'Edge'],
  ['OPR', 'Opera'],
  ['Chrome', 'Chrome'],
  ['Safari', 'Safari'],
  ['curl', 'curl'],
] as const
const SYSTEMS = ['Android', 'iPhone', 'iPad', 'Windows', 'Mac OS X', 'Linux']

/** What a browser calls itself, in two words. */
export function browserOf(userAgent = ''): string {
  const browser = BROWSERS.find(([mark]) => userAgent.includes(mark))?.[1] ?? 'An unknown browser'
  const system = SYSTEMS.find((name) => userAgent.includes(name))
  return system === undefined ? browser : `${browser} on ${system}`
}
