import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { networkOf } from '../trusted-proxies.js'
import { HASH_OF_NOBODY, isPassword } from './password-hash.js'
import { SignInLimits, type SignInLimitsOptions, type Try } from './sign-in-limits.js'

/** Right passwords that need not be hashed again: hashing is slow on purpose. */
const MAX_REMEMBERED = 2_000

/** Longest e-mail address that an account can have. */
const MAX_EMAIL = 320

/** Length of the random part of a device cookie, in bytes. */
const DEVICE_BYTES = 16

/** Networks of an account that are known: those that it was signed in to from last. */
const MAX_NETWORKS = 20

export interface Attempt {
  email: string
  password: string
  /** The address that it comes from. */
  from: string
  /** What its browser kept of an earlier sign-in: see {@link Passwords.deviceOf}. */
  device?: string | undefined
}

/** Somebody who signs in with e-mail and password. */
interface Holder {
  /** Absent: no password is right. */
  passwordHash?: string
  /** Networks of earlier sign-ins, hashed with a key. */
  knownNetworks?: string[]
}

/** Those who sign in with passwords. */
export interface Holders<P extends Holder> {
  find(email: string): Promise<P | undefined>
  /** Stores other known networks, and returns what is stored. */
  know(person: P, change: (networks: readonly string[]) => string[]): Promise<P>
}

export interface PasswordsOptions<P extends Holder> {
  holders: Holders<P>
  /** Key to hash stored networks, so that they stay private, and to sign what browsers keep. The same for all processes. */
  key: Uint8Array
  limits: SignInLimitsOptions
}

/** Checks passwords. Wrong ones may come only so often: see {@link SignInLimits}. */
export class Passwords<P extends Holder> {
  readonly #holders: Holders<P>
  readonly #key: Uint8Array
  readonly #limits: SignInLimits
  /** By a digest that means nothing outside this process: the hash that the password was right for. */
  readonly #right = new LRUCache<string, string>({ max: MAX_REMEMBERED })
  readonly #digestKey = randomBytes(32)
  /** By place and digest: the same password is hashed once, however many requests come with it at a time. */
  readonly #underWay = new Map<string, Promise<boolean>>()

  constructor({ holders, key, limits }: PasswordsOptions<P>) {
    this.#holders = holders
    this.#key = key
    this.#limits = new SignInLimits(limits)
  }

  /** Whose password it is; undefined when it is wrong. @throws RATE_LIMITED, whether it is right or not */
  async check({ password, from, device: given, ...attempt }: Attempt): Promise<P | undefined> {
    const email = attempt.email.toLowerCase()
    const person = email.length <= MAX_EMAIL ? await this.#holders.find(email) : undefined
    const network = networkOf(from)
    const mark = digestOf(this.#key, network)
    const device = person && this.#isDeviceOf(email, person, given) ? given : undefined
    const isKnown = device !== undefined || (person?.knownNetworks?.includes(mark) ?? false)
    const place = device ?? network
    const digest = digestOf(this.#digestKey, email, password)
    const same = `${place} ${digest}`
    const shared = this.#underWay.get(same)
    if (shared) return (await shared) ? person : undefined
    const made = this.#limits.begin({ account: hash('sha256', email), place, isKnown })
    const right = this.#right.get(digest)
    if (person && right !== undefined && right === person.passwordHash) {
      this.#limits.forgive(made)
    } else {
      const verifying = this.#verify(made, person, password).finally(() => this.#underWay.delete(same))
      this.#underWay.set(same, verifying)
      if (!(await verifying) || person?.passwordHash === undefined) return undefined
      this.#right.set(digest, person.passwordHash)
    }
    return person && this.#know(person, mark)
  }

  /**
   * What the browser of somebody who signed in keeps, so that it is known from whichever network it comes later (a "device
   * cookie" of OWASP). It ends with the password. `given`: what it kept before, which stays.
   */
  deviceOf(email: string, person: P, given?: string): string {
    const account = email.toLowerCase()
    if (given !== undefined && this.#isDeviceOf(account, person, given)) return given
    return this.#signed(account, person, randomBytes(DEVICE_BYTES).toString('base64url'))
  }

  #isDeviceOf(email: string, person: P, given = ''): boolean {
    const right = Buffer.from(this.#signed(email, person, given.slice(0, given.indexOf('.'))))
    const bytes = Buffer.from(given)
    return bytes.length === right.length && timingSafeEqual(bytes, right)
  }

  #signed(email: string, { passwordHash = '' }: P, nonce: string): string {
    return `${nonce}.${digestOf(this.#key, 'device', email, passwordHash, nonce)}`
  }

  /** As slow for an unknown account, so that callers cannot detect which accounts exist. */
  async #verify(made: Try, person: P | undefined, password: string): Promise<boolean> {
    const { account, place, isKnown, refusal } = made
    const by = isKnown ? `${place} ${account}` : place
    let isRight: boolean
    try {
      isRight = await isPassword(password, person?.passwordHash ?? HASH_OF_NOBODY, { by, isKnown })
    } catch (error) {
      this.#limits.forgive(made)
      throw error
    }
    if (person?.passwordHash !== undefined && isRight) {
      this.#limits.forgive(made)
      return true
    }
    if (refusal) throw refusal
    return false
  }

  /** Keeps that this network is one of the account's own. */
  async #know(person: P, mark: string): Promise<P> {
    if (person.knownNetworks?.includes(mark)) return person
    return this.#holders.know(person, (known) =>
      [...known.filter((each) => each !== mark), mark].slice(-MAX_NETWORKS),
    )
  }
}

const digestOf = (key: Uint8Array, ...parts: string[]): string =>
  createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url')
