import { randomBytes } from 'node:crypto'
import { access, link, mkdir, open, readFile, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PlugboardError } from '@plugboard/core'
import type { Database } from './database.js'

/**
 * The key in the file of a database; a database that is new gets a new one. Whether one of MongoDB is new shows when its
 * fingerprint is compared.
 * @throws INVALID when the file is damaged, or gone while the database is there
 */
export async function readOrMakeKey({ kind, place, keyFile }: Database): Promise<Buffer> {
  const known = await readKey(keyFile)
  if (known) return known
  if (kind === 'mongodb' || !(await exists(place))) return makeKey(keyFile)
  // The key is always made first: one that is being made by another start is there by now.
  const made = await readKey(keyFile)
  if (made) return made
  throw new PlugboardError(
    'INVALID',
    `the key file of ${place} is missing: restore ${keyFile}, or set ENCRYPTION_KEY to its key`,
  )
}

/** The key in a file; undefined when there is no file. @throws INVALID when it holds no key. */
export async function readKey(keyFile: string): Promise<Buffer | undefined> {
  let text: string
  try {
    text = await readFile(keyFile, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new PlugboardError('INVALID', `cannot read the key file ${keyFile}`, { cause: error })
  }
  const key = Buffer.from(text, 'base64')
  if (key.byteLength === 32) return key
  throw new PlugboardError('INVALID', `the key file ${keyFile} is damaged: it must hold 32 bytes in base64`)
}

/**
 * Makes a key file that only its owner can read, whole or not at all. Of several that make it at once one wins, and
 * all get the key that is in the file.
 */
export async function makeKey(
  keyFile: string,
  fresh: Buffer = randomBytes(32),
  remedy = 'set ENCRYPTION_KEY instead (generate one with `openssl rand -base64 32`)',
): Promise<Buffer> {
  const draft = `${keyFile}.${process.pid}.${randomBytes(4).toString('hex')}`
  await mkdir(dirname(keyFile), { recursive: true, mode: 0o700 })
  try {
    await writeDurably(draft, `${fresh.toString('base64')}\n`)
    // Unlike a rename, a link does not replace what is there.
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

/** Makes a new name in a folder last through a power cut, where the system can. */
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
