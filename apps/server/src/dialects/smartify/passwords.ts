import { createHmac, randomBytes } from 'node:crypto'
import { PlugboardError } from '@plugboard/core'
import type { Accounts, PersonAccount, WithId } from '@plugboard/hub'
import { LRUCache } from 'lru-cache'
import { FailureLimit } from '../../failure-limit.js'
import { lazy } from '../../lazy.js'
import { hashPassword, isPassword } from '../../password.js'

/** Right passwords that need not be hashed again: hashing is slow on purpose. */
const MAX_REMEMBERED = 2_000

export interface Attempt {
  email: string
  password: string
  /** The address that it comes from. */
  from: string
}

/** Checks passwords. Wrong ones may come only so often, since a person chose them. */
export class Passwords {
  readonly #accounts: Accounts
  readonly #limit: FailureLimit
  /** By a digest that means nothing outside this process: the hash that the password was right for. */
  readonly #right = new LRUCache<string, string>({ max: MAX_REMEMBERED })
  readonly #digestKey = randomBytes(32)
  /** Attempts at one account from one address go one after the other, so that all are counted. */
  readonly #turns = new Map<string, Promise<unknown>>()
  readonly #nobody = lazy(() => hashPassword(randomBytes(16).toString('base64')))

  /** `perMinute`: wrong ones for one account from one address; 0: any number. */
  constructor(accounts: Accounts, perMinute: number) {
    this.#accounts = accounts
    this.#limit = new FailureLimit({ perMinute })
  }

  /** Whose password it is; undefined when it is wrong. @throws RATE_LIMITED before it is looked at */
  async check(attempt: Attempt): Promise<WithId<PersonAccount> | undefined> {
    const email = attempt.email.toLowerCase()
    const person = await this.#accounts.findPerson({ email })
    const digest = createHmac('sha256', this.#digestKey)
      .update(JSON.stringify([email, attempt.password]))
      .digest('base64')
    if (person && this.#right.get(digest) === person.passwordHash) return person
    const isRight = await this.#inTurn(`${attempt.from} ${email}`, () =>
      this.#verify(person, attempt.password),
    )
    if (!person || !isRight) return undefined
    this.#right.set(digest, person.passwordHash)
    return person
  }

  async #inTurn(key: string, verify: () => Promise<boolean>): Promise<boolean> {
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(async () => {
      const retryAfterMs = this.#limit.waitMs(key)
      if (retryAfterMs > 0)
        throw new PlugboardError('RATE_LIMITED', 'Too many attempts. Try again later.', { retryAfterMs })
      const isRight = await verify()
      if (!isRight) this.#limit.failed(key)
      return isRight
    })
    const settled = turn.catch(() => undefined)
    this.#turns.set(key, settled)
    try {
      return await turn
    } finally {
      if (this.#turns.get(key) === settled) this.#turns.delete(key)
    }
  }

  /** As slow for an account that is not there, so that nobody learns which are. */
  async #verify(person: PersonAccount | undefined, password: string): Promise<boolean> {
    const isRight = await isPassword(password, person?.passwordHash ?? (await this.#nobody()))
    return person !== undefined && isRight
  }
}
