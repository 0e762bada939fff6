import { lazyModule } from '../../lazy.js'
import { FairQueue } from './fair-queue.js'

/** Longest password: hashing costs time that grows with it. */
export const MAX_PASSWORD = 256
/** Shortest password. */
export const MIN_PASSWORD = 8

/** Passwords of strangers that wait to be hashed. */
export const MAX_STRANGERS = 64

const argon2 = lazyModule(() => import('@node-rs/argon2'))

/**
 * A hash takes a core and a thread of the pool that files and names are also read with, four in all. So there is one at a
 * time of strangers, and one of those who are known to be who they say: whatever strangers do, these do not wait for it.
 * Strangers wait, in turns by network, for some seconds at most: a flood from fewer networks than wait slows the sign-in of
 * another stranger, and does not refuse it.
 */
const hashing = {
  known: new FairQueue({ atOnce: 1, maxWaiting: 32 }),
  stranger: new FairQueue({ atOnce: 1, maxWaiting: MAX_STRANGERS }),
}

/** Identifies the caller of a hash. Callers take turns. */
export interface Hashed {
  by: string
  /** Whether it is somebody who proved before who they are. */
  isKnown: boolean
}

/** Hash for unknown accounts, so that the comparison takes as long. Its password is unknown. */
export const HASH_OF_NOBODY =
  '$argon2id$v=19$m=19456,t=2,p=1$Ak4r/0wE+mibm1h84CkVCA$cne/ppZygKMasqcLahqwikGEw8HcU1z8/N6JANhj4UQ'

/**
 * For an operator. Argon2id with the parameters of the library, which are those that OWASP names; they stand in the hash.
 * @throws RATE_LIMITED when too many wait to be hashed
 */
export async function hashPassword(password: string): Promise<string> {
  const { hash } = await argon2()
  return hashing.known.run('operator', () => hash(password))
}

/**
 * False also for a hash that is none, such as that of an account that may not sign in with a password.
 * @throws RATE_LIMITED when too many wait to be hashed
 */
export async function isPassword(password: string, hash: string, { by, isKnown }: Hashed): Promise<boolean> {
  if (password.length > MAX_PASSWORD) return false
  const { verify } = await argon2()
  const queue = isKnown ? hashing.known : hashing.stranger
  return queue.run(by, () => verify(hash, password).catch(() => false))
}
