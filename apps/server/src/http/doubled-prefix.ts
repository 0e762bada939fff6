/**
 * What is wrong with a path that has the prefix of its API twice, because the base URL of a client ends in the prefix that
 * the client adds. Undefined for any other path.
 */
export function doubledPrefixFault(url: string, prefix: string): string | undefined {
  const rest = url.slice(prefix.length)
  const isDoubled = url.startsWith(prefix) && (rest === prefix || /^[/?]/.test(rest.slice(prefix.length)))
  if (!isDoubled || !rest.startsWith(prefix)) return undefined
  return `Not Found: the path has ${prefix} twice. Remove ${prefix} from the end of the base URL, because the client adds it`
}
