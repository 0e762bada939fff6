import { randomBytes } from 'node:crypto'
import { access, link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isPlugboardError, PlugboardError } from '@plugboard/core'
import type { Database } from './database.js'

/**
 * Reads the key file of a database, or creates it for a new database. For MongoDB, the fingerprint check detects a wrong
 * key later.
 * @throws INVALID if the file is damaged, or missing for an existing database
 */
export async function readOrMakeKey({ kind, place, keyFile }: Database): Promise<Buffer> {
  const known = await readKey(keyFile)
  if (known) return known
  if (kind === 'mongodb' || !(await exists(place))) return makeKey(keyFile)
  // The key is always created before the database: a concurrent start has created it by now.
  const made = await readKey(keyFile)
  if (made) return made
  throw new PlugboardError(
    'INVALID',
    `the key file of ${place} is missing: restore ${keyFile}, or set ENCRYPTION_KEY to its key`,
  )
}

/** Reads a key file; undefined if there is none. @throws INVALID if it contains no key */
export async function readKey(keyFile: string): Promise<Buffer | undefined> {
  let text: string
  try {
    // To read a pipe would wait for ever.
    if (!(await stat(keyFile)).isFile())
      throw new PlugboardError('INVALID', `the key file ${keyFile} is not a regular file`)
    text = await readFile(keyFile, 'utf8')
  } catch (error) {
    if (isPlugboardError(error)) throw error
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new PlugboardError('INVALID', `cannot read the key file ${keyFile}`, { cause: error })
  }
  const key = Buffer.from(text, 'base64')
  if (key.byteLength === 32) return key
  throw new PlugboardError('INVALID', `the key file ${keyFile} is damaged: it must hold 32 bytes in base64`)
}

/**
 * Creates a key file that only its owner can read, atomically. If several processes create it concurrently, one wins, and
 * all return its key.
 */
export async function makeKey(
  keyFile: string,
  fresh: Buffer = randomBytes(32),
  remedy = 'set ENCRYPTION_KEY instead (generate one with `openssl rand -base64 32`)',
): Promise<Buffer> {
  const draft = `${keyFile}.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    await mkdir(dirname(keyFile), { recursive: true, mode: 0o700 })
    await writeDurably(draft, `${fresh.toString('base64')}\n`)
    // Unlike a rename, a link does not replace an existing file.
    await link(draft, keyFile).catch(ignoreExisting)
    await syncFolder(dirname(keyFile))
  } catch (error) {
    throw new PlugboardError('INVALID', `cannot create the key file ${keyFile}; ${remedy}`, { cause: error })
  } finally {
    await unlink(draft).catch(() => undefined)
  }
  const key = await readKey(keyFile)
  if (key) return key
  throw new PlugboardError('INVALID', `the key file ${keyFile} was removed while it was being created`)
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}

/** Syncs a folder, so that a new name survives a power failure, if the system supports it. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  try {
    await handle?.sync()
  } catch {
    // Some systems cannot sync a folder.
  } finally {
    await handle?.close()
  }
}
