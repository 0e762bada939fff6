import { PlugboardError } from '@plugboard/core'
import { KEY_FINGERPRINT, Keyring, type Store } from '@plugboard/hub'
import type { Database } from '../../config/database.js'
import { makeKey, readKey } from '../../config/key-file.js'
import { isLoopback } from '../../config/local-only.js'
import type { Config } from '../../config/read-config.js'

/** How a copy keeps the encryption key. */
export interface KeyPlan {
  /** Creates the key file of the target, if it has one on this machine. */
  place(): Promise<void>
  /** The next step for the operator. */
  next: string
}

/** @throws CONFLICT if the target has a key file with another key */
export async function planKey(
  config: Config,
  store: Store,
  source: Database,
  target: Database,
): Promise<KeyPlan> {
  const fingerprint = await store.getMeta(KEY_FINGERPRINT)
  const isKey = (key: Buffer | undefined): key is Buffer =>
    key !== undefined && new Keyring(key).fingerprint === fingerprint
  if (fingerprint === undefined) return told('It has no encryption key yet: the first start sets one.')
  if (isKey(config.encryptionKey)) return told('Its key is the current ENCRYPTION_KEY: keep it set.')
  const key = await readKey(source.keyFile)
  if (!isKey(key))
    return told(`Before you start a server on it, set ENCRYPTION_KEY to the key of ${source.label}.`)
  const isOfFile = target.kind === 'sqlite' || isLoopback(config.host)
  if (!isOfFile)
    return told(`Before you start a server on it, set ENCRYPTION_KEY to the content of ${source.keyFile}.`)
  const other = await readKey(target.keyFile)
  if (other && !isKey(other))
    throw new PlugboardError('CONFLICT', `${target.keyFile} holds another key: move it elsewhere first`)
  const elsewhere =
    target.kind === 'mongodb'
      ? ' A server on another machine, or with a HOST that is not loopback, needs ENCRYPTION_KEY set to the content of that file.'
      : ''
  return {
    place: async () => void (await makeKey(target.keyFile, key)),
    next: `Its key is now in ${target.keyFile}.${elsewhere}`,
  }
}

const told = (next: string): KeyPlan => ({ place: async () => undefined, next })
