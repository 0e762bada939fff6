import { createHmac, hash, randomBytes } from 'node:crypto'
import type { Accounts, PersonAccount, WithId } from '@plugboard/hub'
import { LRUCache } from 'lru-cache'
import { HASH_OF_NOBODY, isPassword } from '../../http/password.js'
import { networkOf } from '../../http/trusted-proxies.js'
import { SignInLimits, type SignInLimitsOptions, type Try } from './sign-in-limits.js'

/** Right passwords that need not be hashed again: hashing is slow on purpose. */
const MAX_REMEMBERED = 2_000

/** Longest e-mail address that an account can have. */
const MAX_EMAIL = 320

/** Networks of an account that are known: those that it was signed in to from last. */
const MAX_NETWORKS = 20

export interface Attempt {
  email: string
  password: string
  /** The address that it comes from. */
  from: string
}

export interface PasswordsOptions {
  accounts: Accounts
  /** Key to hash stored networks, so that they stay private. The same for all processes. */
  key: Uint8Array
  limits: SignInLimitsOptions
}

/** Checks passwords. Wrong ones may come only so often: see {@link SignInLimits}. */
export class Passwords {
  readonly #accounts: Accounts
  readonly #key: Uint8Array
  readonly #limits: SignInLimits
  /** By a digest that means nothing outside this process: the hash that the password was right for. */
  readonly #right = new LRUCache<string, string>({ max: MAX_REMEMBERED })
  readonly #digestKey = randomBytes(32)
  /** By network and digest: the same password is hashed once, however many requests come with it at a time. */
  readonly #underWay = new Map<string, Promise<boolean>>()

  constructor({ accounts, key, limits }: PasswordsOptions) {
    this.#accounts = accounts
    this.#key = key
    this.#limits = new SignInLimits(limits)
  }

  /** Whose password it is; undefined when it is wrong. @throws RATE_LIMITED, whether it is right or not */
  async check({ password, from, ...attempt }: Attempt): Promise<WithId<PersonAccount> | undefined> {
    const email = attempt.email.toLowerCase()
    const person = email.length <= MAX_EMAIL ? await this.#accounts.findPerson({ email }) : undefined
    const network = networkOf(from)
    const mark = digestOf(this.#key, network)
    const isKnown = person?.knownNetworks?.includes(mark) ?? false
    const digest = digestOf(this.#digestKey, email, password)
    const place = `${network} ${digest}`
    const shared = this.#underWay.get(place)
    if (shared) return (await shared) ? person : undefined
    const made = this.#limits.begin({ account: hash('sha256', email), network, isKnown })
    if (person && this.#right.get(digest) === person.passwordHash) {
      this.#limits.forgive(made)
    } else {
      const verifying = this.#verify(made, person, password).finally(() => this.#underWay.delete(place))
      this.#underWay.set(place, verifying)
      if (!(await verifying) || !person) return undefined
      this.#right.set(digest, person.passwordHash)
    }
    return person && this.#know(person, mark)
  }

  /** As slow for an unknown account, so that callers cannot detect which accounts exist. */
  async #verify(made: Try, person: PersonAccount | undefined, password: string): Promise<boolean> {
    const { account, network, isKnown, refusal } = made
    const by = isKnown ? `${network} ${account}` : network
    let isRight: boolean
    try {
      isRight = await isPassword(password, person?.passwordHash ?? HASH_OF_NOBODY, { by, isKnown })
    } catch (error) {
      this.#limits.forgive(made)
      throw error
    }
    if (person && isRight) {
      this.#limits.forgive(made)
      return true
    }
    if (refusal) throw refusal
    return false
  }

  /** Keeps that this network is one of the account's own. */
  async #know(person: WithId<PersonAccount>, mark: string): Promise<WithId<PersonAccount>> {
    if (person.knownNetworks?.includes(mark)) return person
    return this.#accounts.changePerson(person.id, (now) => {
      const others = (now.knownNetworks ?? []).filter((each) => each !== mark)
      return { ...now, knownNetworks: [...others, mark].slice(-MAX_NETWORKS) }
    })
  }
}

const digestOf = (key: Uint8Array, ...parts: string[]): string =>
  createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url')
