import { createHash, timingSafeEqual } from 'node:crypto'

/** Compares a given value with a secret in constant time. */
export function isSame(given: unknown, key: string): boolean {
  if (typeof given !== 'string') return false
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(key))
}
