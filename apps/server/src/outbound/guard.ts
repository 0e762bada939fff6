import { isIP } from 'node:net'
import { isUrl } from '@plugboard/core'
import ipaddr from 'ipaddr.js'

const SETTING = 'ALLOW_PRIVATE_TARGETS'
const LOOPBACK = ['127.0.0.0/8', '::1/128']

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** Addresses that may be called beside the public ones. Plain data, because it is posted to the sender's thread. */
export interface Allowance {
  readonly all: boolean
  readonly cidrs: readonly string[]
}

/** A call was refused before any connection was made, because its address is not allowed. */
export class TargetForbiddenError extends Error {
  override readonly name = 'TargetForbiddenError'
  readonly code = 'ERR_TARGET_FORBIDDEN'
}

/**
 * Reads ALLOW_PRIVATE_TARGETS: `all` or `none` alone, or a list of CIDR ranges, addresses and `loopback`. Unset means
 * `loopback` while the server is for its own machine only (a developer's), else `none`.
 * @throws Error that names the setting and the entry's place, not its value
 */
export function parseAllowance(value: string | undefined, isLocalOnly: boolean): Allowance {
  const words = (value ?? '').split(/[\s,]+/).filter((word) => word !== '')
  if (words.length === 0) return { all: false, cidrs: isLocalOnly ? LOOPBACK : [] }
  if (words.length === 1 && words[0] === 'all') return { all: true, cidrs: [] }
  if (words.length === 1 && words[0] === 'none') return { all: false, cidrs: [] }
  return { all: false, cidrs: words.flatMap(parseEntry) }
}

/** The CIDR ranges of one word of a setting: a range, an address, or `loopback`. Undefined for anything else. */
export function rangesOf(word: string): readonly string[] | undefined {
  if (word === 'loopback') return LOOPBACK
  const family = isIP(word.replace(/\/\d+$/, ''))
  const cidr = isIP(word) === 0 ? word : `${word}/${family === 4 ? 32 : 128}`
  // The library alone reads `10/8` as 0.0.0.10/8.
  return family !== 0 && !cidr.includes('%') && ipaddr.isValidCIDR(cidr) ? [cidr] : undefined
}

function parseEntry(word: string, index: number, words: readonly string[]): readonly string[] {
  const ranges = rangesOf(word)
  if (ranges) return ranges
  throw new Error(
    `${SETTING}: entry ${index + 1} of ${words.length} is neither a range such as 10.0.0.0/8 or fd00::/8, ` +
      'nor an address, nor "loopback" ("all" and "none" stand alone)',
  )
}

/**
 * Why a URL of a tenant cannot be called, in words for that tenant; undefined when it may be. This checks only what is
 * written: a name is resolved, and its addresses are checked, when the connection is made.
 */
export function refusal(url: string, allowance: Allowance): string | undefined {
  if (!isUrl(url)) return 'it is not an absolute URL'
  const { protocol, username, password, hostname } = new URL(url)
  if (protocol !== 'http:' && protocol !== 'https:') return 'only http and https URLs can be called'
  if (username !== '' || password !== '') return 'it must not contain a user name or a password'
  const host = hostname.replace(/^\[|\]$/g, '')
  const range = isIP(host) === 0 ? rangeOfName(host, allowance) : forbiddenRange(host, allowance)
  if (range === undefined) return undefined
  return `${host} is not a public address (${range}); the setting ${SETTING} can allow it`
}

/** RFC 6761: every name under `localhost` is loopback, whatever a resolver returns. */
function rangeOfName(host: string, allowance: Allowance): string | undefined {
  if (!/(^|\.)localhost\.?$/.test(host)) return undefined
  const isAllowed = ['127.0.0.1', '::1'].some((address) => forbiddenRange(address, allowance) === undefined)
  return isAllowed ? undefined : 'loopback'
}

/** The kind of range that forbids calling an address, such as `link-local`; undefined when it may be called. */
export function forbiddenRange(address: string, allowance: Allowance): string | undefined {
  if (allowance.all) return undefined
  if (!ipaddr.isValid(address)) return 'invalid'
  const outer = ipaddr.parse(address)
  const inner = embeddedIPv4(outer) ?? outer
  const range = isGlobalUnicast(inner) ? undefined : nameOf(inner)
  if (range === undefined) return undefined
  const isAllowed = allowance.cidrs.some((cidr) => isWithin(inner, cidr) || isWithin(outer, cidr))
  return isAllowed ? undefined : range
}

/**
 * The IPv4 address inside an IPv6 address: IPv4-mapped, IPv4-compatible, 6to4, and NAT64 with the well-known prefix
 * (what DNS64 returns on an IPv6-only network). Other embeddings are refused as IPv6: IPv4-translated, Teredo, and
 * local-use NAT64, whose layout only its operator knows.
 */
function embeddedIPv4(address: Address): ipaddr.IPv4 | undefined {
  if (address instanceof ipaddr.IPv4) return undefined
  const [, second = 0, third = 0, , , , seventh = 0, eighth = 0] = address.parts
  const isCompatible = address.parts.slice(0, 6).every((part) => part === 0)
  switch (address.range()) {
    case 'ipv4Mapped':
      return fromWords(seventh, eighth)
    case 'rfc6052':
      return third === 0 ? fromWords(seventh, eighth) : undefined
    case '6to4':
      return fromWords(second, third)
    case 'unicast':
      return isCompatible ? fromWords(seventh, eighth) : undefined
    default:
      return undefined
  }
}

function fromWords(high: number, low: number): ipaddr.IPv4 {
  return new ipaddr.IPv4([high >> 8, high & 0xff, low >> 8, low & 0xff])
}

/** The library calls every IPv6 address `unicast` that is on no list; only 2000::/3 is allocated. */
function isGlobalUnicast(address: Address): boolean {
  if (address.range() !== 'unicast') return false
  return address instanceof ipaddr.IPv4 || ((address.parts[0] ?? 0) & 0xe000) === 0x2000
}

function nameOf(address: Address): string {
  const range = address.range()
  return range === 'unicast' ? 'reserved' : range.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function isWithin(address: Address, cidr: string): boolean {
  const [network, bits] = ipaddr.parseCIDR(cidr)
  return address.kind() === network.kind() && address.match(network, bits)
}
