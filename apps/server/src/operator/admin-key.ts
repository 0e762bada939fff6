import { randomBytes } from 'node:crypto'
import type { Database } from '../config/database.js'
import { makeKey, readKey } from '../config/key-file.js'
import type { Config } from '../config/read-config.js'
import { isLoopback } from '../dialects/admin-access.js'

/** What opens the admin routes. */
export interface AdminKey {
  key: string
  /** Where it lies, unless it is the setting ADMIN_KEY. */
  file?: string
}

/**
 * ADMIN_KEY, or else the key in the file of the database, which is made where there is none. Undefined where a file on one
 * machine is no place for it: on MongoDB, where other machines can reach the server.
 * @throws INVALID when the file is damaged or cannot be made
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

/** As {@link adminKeyFor}, for a program that calls a server: makes none. */
export async function findAdminKey(
  { adminKeyFile }: Database,
  { adminKey }: Pick<Config, 'adminKey'>,
): Promise<string | undefined> {
  if (adminKey !== undefined) return adminKey
  const key = await readKey(adminKeyFile)
  return key && asText(key)
}

/** As the file has it, so that `$(cat FILE)` is the key. */
const asText = (key: Buffer): string => key.toString('base64')
