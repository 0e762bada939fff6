import { PlugboardError } from '@plugboard/core'
import { FailureLimit } from './failure-limit.js'

export interface SignInLimitsOptions {
  /** Wrong passwords that one address may send in a minute, for all accounts together; 0: any number. */
  perMinute: number
  /** Wrong passwords that one account may have in an hour, from all addresses together; 0: any number. */
  perHour: number
  now?: () => number
}

/** Where a try comes from and whom it is for, in forms that are short whatever a caller sends. */
export interface Origin {
  account: string
  /** The network, or the browser if the account was signed in to with it before. */
  place: string
  /** Whether the account was signed in to from there before. */
  isKnown: boolean
}

/** A try that may be made. It counts as a failure until {@link SignInLimits.forgive}. */
export interface Try extends Origin {
  /** How a failure is answered that an account's lock-out would have refused: as if it had not been looked at. */
  refusal: PlugboardError | undefined
}

/** A fifth of an account's failures: tries that are looked at in the hour although the account is locked. */
const RESERVE = 5

/**
 * Limits on guessing passwords, which people choose. They must not let strangers lock out whose account it is, which is
 * the weak side of a lock-out (OWASP Authentication Cheat Sheet, "Account Lockout"; Slow Down Online Guessing Attacks
 * with Device Cookies):
 *
 * - A network counts for all accounts that it tries, and an account for all networks that try it.
 * - A network or a browser that the account used before has a separate limit for that account. The attempts of others,
 *   there or elsewhere, do not lock out its owner.
 * - While an account is locked, the first try of each other network is still looked at, a few in an hour: its owner gets
 *   in from a new place, and a guesser learns nothing, since a wrong one is refused like those that are not looked at.
 * - Failures are forgiven one by one, so that a lock-out never lasts for the whole hour.
 *
 * Who fails is counted in memory, so that each of several processes counts for itself; which networks are known is
 * stored, and the same for all.
 */
export class SignInLimits {
  readonly #networks: FailureLimit
  readonly #accounts: FailureLimit
  /** Of a known place and its account. */
  readonly #pairs: FailureLimit
  /** Of another network and an account: whether it has failed there. */
  readonly #firsts: FailureLimit
  readonly #reserves: FailureLimit

  constructor({ perMinute, perHour, now = Date.now }: SignInLimitsOptions) {
    this.#networks = new FailureLimit({ perMinute, now })
    this.#accounts = new FailureLimit({ perHour, now })
    this.#pairs = new FailureLimit({ perHour, now })
    this.#firsts = new FailureLimit({ perHour: 1, now })
    this.#reserves = new FailureLimit({ perHour: Math.ceil(perHour / RESERVE), now })
  }

  /** Counts an attempt. @throws RATE_LIMITED if it is not allowed */
  begin(origin: Origin): Try {
    const { account, place, isKnown } = origin
    const pair = pairOf(origin)
    if (isKnown) {
      assertNoWait(this.#pairs.waitMs(pair))
      this.#pairs.failed(pair)
      return { ...origin, refusal: undefined }
    }
    assertNoWait(this.#networks.waitMs(place))
    const lockedMs = this.#accounts.waitMs(account)
    if (lockedMs > 0) {
      if (this.#firsts.waitMs(pair) > 0 || this.#reserves.waitMs(account) > 0) throw tooMany(lockedMs)
      this.#reserves.failed(account)
    } else this.#accounts.failed(account)
    this.#networks.failed(place)
    this.#firsts.failed(pair)
    return { ...origin, refusal: lockedMs > 0 ? tooMany(lockedMs) : undefined }
  }

  /** The password was right, or was not looked at after all. */
  forgive(made: Try): void {
    const pair = pairOf(made)
    if (made.isKnown) return this.#pairs.forgive(pair)
    this.#networks.forgive(made.place)
    this.#firsts.forgive(pair)
    if (made.refusal) this.#reserves.forgive(made.account)
    else this.#accounts.forgive(made.account)
  }
}

const pairOf = ({ account, place }: Origin): string => `${account} ${place}`

const tooMany = (retryAfterMs: number): PlugboardError =>
  new PlugboardError('RATE_LIMITED', 'Too many attempts. Try again later.', { retryAfterMs })

function assertNoWait(retryAfterMs: number): void {
  if (retryAfterMs > 0) throw tooMany(retryAfterMs)
}
