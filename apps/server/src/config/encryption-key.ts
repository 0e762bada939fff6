import { PlugboardError } from '@plugboard/core'
import { Keyring } from '@plugboard/hub'
import type { Database } from './database.js'
import { readOrMakeKey } from './key-file.js'
import { isLoopback } from './local-only.js'
import type { Config } from './read-config.js'

/** The key that configurations are sealed with. @throws INVALID where several processes need one key, which a file on one machine cannot be */
export async function keyringFor(database: Database, { encryptionKey, host }: Config): Promise<Keyring> {
  if (encryptionKey) return new Keyring(encryptionKey)
  if (database.kind === 'sqlite' || isLoopback(host)) return new Keyring(await readOrMakeKey(database))
  throw new PlugboardError(
    'INVALID',
    '"ENCRYPTION_KEY" must be set on MongoDB, to the same value for every process (generate one with `openssl rand -base64 32`)',
  )
}
