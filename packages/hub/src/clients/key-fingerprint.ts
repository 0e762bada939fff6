import { PlugboardError } from '@plugboard/core'
import type { Store } from '../ports/store.js'
import type { Keyring } from './keyring.js'

/** Name, among the store's meta texts, of the fingerprint of the key that its secrets are sealed with. */
export const KEY_FINGERPRINT = 'encryption-key'

/**
 * Makes sure that this key is the one that the store's secrets are sealed with; a new store takes it as its own.
 * @throws CONFLICT
 */
export async function assertKey(store: Store, keyring: Keyring): Promise<void> {
  const known = await store.putMetaIfAbsent(KEY_FINGERPRINT, keyring.fingerprint)
  if (known === keyring.fingerprint) return
  throw new PlugboardError('CONFLICT', 'this database uses another encryption key (ENCRYPTION_KEY)')
}
