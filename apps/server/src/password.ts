import { lazyModule } from './lazy.js'

/** Longest password: hashing costs time that grows with it. */
export const MAX_PASSWORD = 256
/** Shortest password. */
export const MIN_PASSWORD = 8

const argon2 = lazyModule(() => import('@node-rs/argon2'))

/** Argon2id with the parameters of the library, which are those that OWASP names; they stand in the hash. */
export async function hashPassword(password: string): Promise<string> {
  const { hash } = await argon2()
  return hash(password)
}

/** False also for a hash that is none, such as that of an account that may not sign in with a password. */
export async function isPassword(password: string, hash: string): Promise<boolean> {
  if (password.length > MAX_PASSWORD) return false
  const { verify } = await argon2()
  return verify(hash, password).catch(() => false)
}
