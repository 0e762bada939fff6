import { isUrl } from '@plugboard/core'

/** Whether a host is of Discord's gateway: `gateway.discord.gg`, `gateway-us-east1-b.discord.gg`. */
const isGatewayHost = (hostname: string): boolean => /^[a-z0-9-]+\.discord\.gg$/.test(hostname)

/**
 * The address of a socket, with the version and the encoding; undefined for one that is not of Discord. What goes there has
 * the token. `apiUrl`: a test has both on one host.
 */
export function gatewayUrl(given: string, apiUrl: string): string | undefined {
  if (!isUrl(given)) return undefined
  const url = new URL(given)
  const own = new URL(apiUrl)
  const isTest = url.protocol === 'ws:' && own.protocol === 'http:' && url.hostname === own.hostname
  if (!isTest && (url.protocol !== 'wss:' || !isGatewayHost(url.hostname) || url.port !== ''))
    return undefined
  return `${url.origin}/?v=10&encoding=json`
}
