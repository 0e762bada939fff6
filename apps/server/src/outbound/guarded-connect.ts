import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { type Allowance, forbiddenRange, TargetForbiddenError } from './guard.js'

type AddressesCallback = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void

/** Finds every address of a name; `dns.lookup` has this shape. */
export type Lookup = (hostname: string, options: { all: true }, callback: AddressesCallback) => void

export interface GuardedConnectOptions {
  /** Default: the system's resolver, so that /etc/hosts and search domains work. */
  lookup?: Lookup
  /** For name, connection and TLS handshake together. Default 10 s. */
  timeoutMs?: number
}

/** Node gives up on an address after 250 ms when a name has several, which is too short across an ocean. */
const NEXT_ADDRESS_AFTER_MS = 1_000

/**
 * A connector for undici's `connect` option that reaches only permitted addresses. A name is resolved once per
 * connection and the socket gets the very addresses that were checked, so an answer that changes gains nothing.
 */
export function guardedConnect(
  allowance: Allowance,
  options: GuardedConnectOptions = {},
): buildConnector.connector {
  const connect = buildConnector({
    lookup: guardedLookup(allowance, shared(options.lookup ?? systemLookup)),
    timeout: options.timeoutMs ?? 10_000,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
  })
  return (target, callback) => {
    // Node asks no lookup function about a literal.
    const host = target.hostname.replace(/^\[|\]$/g, '')
    const range = isIP(host) === 0 ? undefined : forbiddenRange(host, allowance)
    if (range === undefined) connect(target, callback)
    else process.nextTick(callback, forbidden(range), null)
  }
}

/** Refuses a name as soon as one of its addresses is forbidden: which one a socket takes is chance. */
function guardedLookup(allowance: Allowance, lookup: Lookup): LookupFunction {
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
 * Callers that ask for the same name at the same time share one answer. libuv runs but a few lookups at once, so a name
 * whose servers do not answer must not take a place for each connection that wants it.
 */
function shared(lookup: Lookup): Lookup {
  const waiting = new Map<string, AddressesCallback[]>()
  return (hostname, options, callback) => {
    const callbacks = waiting.get(hostname)
    if (callbacks !== undefined) {
      callbacks.push(callback)
      return
    }
    const asked = [callback]
    waiting.set(hostname, asked)
    lookup(hostname, options, (error, addresses) => {
      waiting.delete(hostname)
      for (const answer of asked) answer(error, error === null ? [...addresses] : [])
    })
  }
}

function forbidden(range: string): TargetForbiddenError {
  return new TargetForbiddenError(`the address is not public (${range}); ALLOW_PRIVATE_TARGETS can allow it`)
}
