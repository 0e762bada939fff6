import { PlugboardError } from '@plugboard/core'
import type { Store } from '../ports/store.js'
import type { Keyring } from './keyring.js'

/** Meta name of the fingerprint of the encryption key. */
export const KEY_FINGERPRINT = 'encryption-key'

/**
 * Checks that this key encrypted the store's secrets. A new store adopts the key.
 * @throws CONFLICT
 */
export async function assertKey(store: Store, keyring: Keyring): Promise<void> {
  const known = await store.putMetaIfAbsent(KEY_FINGERPRINT, keyring.fingerprint)
  if (known === keyring.fingerprint) return
  throw new PlugboardError('CONFLICT', 'this database uses another encryption key (ENCRYPTION_KEY)')
}
