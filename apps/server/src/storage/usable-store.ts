import { assertKey, type Keyring, type Store } from '@plugboard/hub'
import { assertCopied, endCopiesFrom } from './copy/mark.js'
import { assertNotRotating } from './rotate-key.js'

/** Checks that an opened store is usable. @throws CONFLICT */
export async function assertUsable(store: Store, keyring: Keyring): Promise<void> {
  await assertNotRotating(store)
  await assertCopied(store)
  await assertKey(store, keyring)
  await endCopiesFrom(store)
}
