import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Headers in which proxies say where a request came from, each with the addresses that it names, the last hop last. */
const CHAINS: readonly (readonly [header: string, chainOf: (text: string) => Chain])[] = [
  ['x-forwarded-for', (text) => text.split(',').map((each) => addressIn(each.trim()))],
  ['forwarded', forwardedChain],
]

/** Undefined: what names no address, such as `unknown` and identifiers that hide one. */
type Chain = readonly (string | undefined)[]

/** Hops that are looked at. No caller comes through as many proxies. */
const MAX_HOPS = 32

/**
 * The proxies before this server whose word is taken for where a request came from. A caller can write any header, so
 * that only what such a proxy added counts: the rightmost address that is not a trusted proxy.
 */
export class TrustedProxies {
  readonly #ranges = new BlockList()
  readonly #isEmpty: boolean

  /** Of CIDR ranges. */
  constructor(cidrs: readonly string[]) {
    this.#isEmpty = cidrs.length === 0
    for (const cidr of cidrs) {
      const [network, bits] = ipaddr.parseCIDR(cidr)
      this.#ranges.addSubnet(network.toString(), bits, network.kind())
    }
  }

  /**
   * Where a request came from: an IPv4 address, or an IPv6 address in its canonical form. It is the peer's own where the
   * peer is no trusted proxy, where a header is malformed or hides the address, and where both headers are there and do
   * not agree: a proxy that writes one of them passes on the other as the caller wrote it.
   */
  callerOf(peer: string | undefined, headers: IncomingHttpHeaders): string {
    const own = normal(peer ?? '') ?? 'unknown'
    if (this.#isEmpty || !this.#isTrusted(own)) return own
    const named = CHAINS.flatMap(([header, chainOf]) => {
      const value = headers[header]
      return value === undefined ? [] : [this.#rightmost(chainOf(String(value)))]
    })
    const [address] = named
    return address !== undefined && named.every((each) => each === address) ? address : own
  }

  /** The rightmost address that is not a proxy; the leftmost if all are proxies. */
  #rightmost(chain: Chain): string | undefined {
    for (const address of chain.slice(-MAX_HOPS).reverse())
      if (address === undefined || !this.#isTrusted(address)) return address
    return chain.length > MAX_HOPS ? undefined : chain[0]
  }

  #isTrusted(address: string): boolean {
    const family = isIP(address)
    return family !== 0 && this.#ranges.check(address, family === 4 ? 'ipv4' : 'ipv6')
  }
}

/**
 * What limits count an address by: an IPv4 address itself, and the /64 network of an IPv6 address, all of which a single
 * caller has.
 */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const parts = ipaddr.IPv6.parse(address).parts.slice(0, 4)
  return `${parts.map((part) => part.toString(16)).join(':')}::/64`
}

/** How a socket for both families begins an IPv4 address. */
const MAPPED = '::ffff:'

/** Undefined for what is no address. IPv4-mapped ones, which a socket for both families has, are IPv4. */
function normal(address: string): string | undefined {
  // The usual form of socket addresses. Parsing it would dominate the cost.
  const ipv4 = address.startsWith(MAPPED) ? address.slice(MAPPED.length) : address
  if (isIPv4(ipv4)) return ipv4
  const [bare = ''] = address.split('%', 1)
  return isIP(bare) === 0 ? undefined : ipaddr.process(bare).toString()
}

/** The address of `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`. */
function addressIn(node: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([^[\]]+)\]|([\d.]+))(?::(?:\d{1,5}|_[\w.-]+))?$/.exec(node) ?? []
  if (bracketed !== undefined) return isIPv6(bracketed) ? normal(bracketed) : undefined
  return normal(plain ?? node)
}

const TOKEN = "[\\w!#$%&'*+.^`|~-]+"
/** One parameter of RFC 7239, and what comes after it: `;` and another one, `,` and another hop, or the end. */
const PARAMETER = new RegExp(`[ \\t]*(${TOKEN})=(${TOKEN}|"(?:[^"\\\\]|\\\\.)*")[ \\t]*([;,]|$)`, 'y')

/** The addresses of RFC 7239, one for each hop. Of a malformed header none counts. */
function forwardedChain(text: string): Chain {
  const chain: (string | undefined)[] = []
  let hop: string | undefined
  PARAMETER.lastIndex = 0
  while (PARAMETER.lastIndex < text.length) {
    const [, name = '', value = '', end] = PARAMETER.exec(text) ?? []
    if (end === undefined) return [undefined]
    if (name.toLowerCase() === 'for') hop = addressIn(unquoted(value))
    if (end === ';') {
      if (PARAMETER.lastIndex === text.length) return [undefined]
      continue
    }
    chain.push(hop)
    hop = undefined
    if (end === '') break
  }
  return chain
}

const unquoted = (value: string): string =>
  value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value
