import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { type Allowance, forbiddenRange, TargetForbiddenError } from './guard.js'
import { skipInterimAnswers } from './interim-answers.js'

type AddressesCallback = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void

/** Finds every address of a name, with the signature of `dns.lookup`. */
export type Lookup = (hostname: string, options: { all: true }, callback: AddressesCallback) => void

export interface GuardedConnectOptions {
  /** Default: the system's resolver, so that /etc/hosts and search domains work. */
  lookup?: Lookup
  /** For name, connection and TLS handshake together. Default 10 s. */
  timeoutMs?: number
}

/** When a name has several addresses, Node tries the next one after 250 ms: too short for a distant host. */
const NEXT_ADDRESS_AFTER_MS = 1_000

/**
 * A connector for undici's `connect` option that reaches only permitted addresses. A name is resolved once per
 * connection, and the socket gets the addresses that were checked, so that a DNS answer that changes bypasses nothing.
 */
export function guardedConnect(
  allowance: Allowance,
  options: GuardedConnectOptions = {},
): buildConnector.connector {
  const connect = buildConnector({
    lookup: guardedLookup(allowance, options.lookup),
    timeout: options.timeoutMs ?? 10_000,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
  })
  return (target, callback) => {
    const range = forbiddenLiteral(target.hostname, allowance)
    if (range === undefined) connect(target, skippingInterim(callback))
    else process.nextTick(callback, forbidden(range), null)
  }
}

const skippingInterim =
  (callback: buildConnector.Callback): buildConnector.Callback =>
  (...[error, socket]) =>
    error === null ? callback(null, skipInterimAnswers(socket)) : callback(error, null)

/** The range that forbids a host name that is an address. Node calls no lookup function for it. */
function forbiddenLiteral(hostname: string, allowance: Allowance): string | undefined {
  const host = hostname.replace(/^\[|\]$/g, '')
  return isIP(host) === 0 ? undefined : forbiddenRange(host, allowance)
}

/**
 * A lookup function for sockets, which must not be given literal addresses. Refuses a name if any of its addresses is
 * forbidden, since a socket may use any of them.
 */
export function guardedLookup(allowance: Allowance, resolve: Lookup = systemLookup): LookupFunction {
  const lookup = shared(resolve)
  return (hostname, options, callback) => {
    lookup(hostname, { all: true }, (error, addresses) => {
      if (error !== null) return callback(error, [])
      const ranges = addresses.map(({ address }) => forbiddenRange(address, allowance))
      const range = ranges.find((found) => found !== undefined)
      const [first] = addresses
      if (range !== undefined) callback(forbidden(range), [])
      else if (first === undefined)
        callback(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), [])
      else if (options.all === true) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}

/**
 * Concurrent lookups of one name share one answer. libuv runs only a few lookups at once, and a name whose servers do not
 * answer must not occupy one of them for each connection.
 */
function shared(lookup: Lookup): Lookup {
  const waiting = new Map<string, AddressesCallback[]>()
  return (hostname, options, callback) => {
    const callbacks = waiting.get(hostname)
    if (callbacks !== undefined) {
      callbacks.push(callback)
      return
    }
    const sharing = [callback]
    waiting.set(hostname, sharing)
    lookup(hostname, options, (error, addresses) => {
      waiting.delete(hostname)
      for (const each of sharing) each(error, error === null ? [...addresses] : [])
    })
  }
}

function forbidden(range: string): TargetForbiddenError {
  return new TargetForbiddenError(`the address is not public (${range}); ALLOW_PRIVATE_TARGETS can allow it`)
}
