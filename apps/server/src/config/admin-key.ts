import { randomBytes } from 'node:crypto'
import type { Database } from './database.js'
import { makeKey, readKey } from './key-file.js'
import { isLoopback } from './local-only.js'
import type { Config } from './read-config.js'

/** The key for the admin routes. */
export interface AdminKey {
  key: string
  /** Its file, unless it is the setting ADMIN_KEY. */
  file?: string
}

/**
 * ADMIN_KEY, or the key file of the database, which is created if missing. Undefined on MongoDB if HOST is not loopback,
 * because a file on one machine cannot serve several.
 * @throws INVALID if the file is damaged or cannot be created
 */
export async function adminKeyFor(
  { kind, adminKeyFile: file }: Database,
  { adminKey, host }: Pick<Config, 'adminKey' | 'host'>,
): Promise<AdminKey | undefined> {
  if (adminKey !== undefined) return { key: adminKey }
  if (kind === 'mongodb' && !isLoopback(host)) return undefined
  const key = (await readKey(file)) ?? (await makeKey(file, randomBytes(32), 'set ADMIN_KEY instead'))
  return { key: asText(key), file }
}

/** Like {@link adminKeyFor}, for a program that calls a server: creates no file. */
export async function findAdminKey(
  { adminKeyFile }: Database,
  { adminKey }: Pick<Config, 'adminKey'>,
): Promise<string | undefined> {
  if (adminKey !== undefined) return adminKey
  const key = await readKey(adminKeyFile)
  return key && asText(key)
}

/** As in the file, so that `$(cat FILE)` is the key. */
const asText = (key: Buffer): string => key.toString('base64')
