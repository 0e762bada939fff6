import { randomUUID } from 'node:crypto'
import { mkdir, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { PlugboardError } from '@plugboard/core'
import { databaseOf } from '../config/database.js'
import type { Config } from '../config/read-config.js'
import { blobFolderOf } from './open-blobs.js'

type Placement = Pick<Config, 'databaseUrl' | 'workingFolder' | 'blobPath' | 'encryptionKey' | 'adminKey'>

/** A file or a folder that the configuration names. */
interface Place {
  path: string
  kind: 'file' | 'folder'
  /** The setting that moves it. */
  setting: string
}

/**
 * Checks every file and folder that the configuration names, and creates the missing folders, for their owner only. After
 * an error, nothing that it created is left.
 * @throws INVALID that names the path, the reason and the remedy
 */
export async function preparePlaces(config: Placement): Promise<void> {
  const made: string[] = []
  try {
    for (const place of placesOf(config)) await prepare(place, made)
  } catch (error) {
    for (const folder of made.reverse()) await rmdir(folder).catch(() => undefined)
    throw error
  }
}

function placesOf(config: Placement): Place[] {
  const { kind, place, keyFile, adminKeyFile } = databaseOf(config)
  const files = [
    place,
    ...(config.encryptionKey === undefined ? [keyFile] : []),
    ...(config.adminKey === undefined ? [adminKeyFile] : []),
  ]
  const blobs = blobFolderOf(config)
  const setting = config.blobPath === undefined ? 'DATABASE_URL' : 'BLOB_PATH'
  return [
    ...(kind === 'sqlite'
      ? files.map((path): Place => ({ path, kind: 'file', setting: 'DATABASE_URL' }))
      : []),
    ...(blobs === undefined ? [] : [{ path: blobs, kind: 'folder' as const, setting }]),
  ]
}

async function prepare(place: Place, made: string[]): Promise<void> {
  const { path, kind } = place
  const fault = (reason: string, cause?: unknown): PlugboardError => {
    const what = kind === 'file' ? 'a path in a folder' : 'a folder'
    const message = `cannot use ${path}: ${reason}; set ${place.setting} to ${what} that this user can write`
    return new PlugboardError('INVALID', message, { cause })
  }
  try {
    const there = await find(path)
    if (there && kind === 'file' && !there.isFile())
      throw fault(there.isDirectory() ? 'it is a folder, not a file' : 'it is not a regular file')
    const folder = kind === 'file' ? dirname(path) : path
    const [missing, parent] = await missingFolders(folder)
    if (!(await stat(parent)).isDirectory()) throw fault(`${parent} is a file, not a folder`)
    // `recursive` never ends in folders such as /proc, which take no folder and say that their parent is missing.
    for (const each of missing) {
      await mkdir(each, { mode: 0o700 }).catch(ignoreExisting)
      made.push(each)
    }
    await tryToWrite(folder)
  } catch (error) {
    throw error instanceof PlugboardError ? error : fault(reasonOf(error), error)
  }
}

const find = (path: string) =>
  stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })

/** The folders that do not exist, in the order to create them, and what exists above them. */
async function missingFolders(folder: string): Promise<[missing: string[], parent: string]> {
  const missing: string[] = []
  for (let at = folder; ; at = dirname(at)) {
    if (at === dirname(at) || (await find(at))) return [missing, at]
    missing.unshift(at)
  }
}

/** Permissions say less: root may write everywhere, except where the system says no. */
async function tryToWrite(folder: string): Promise<void> {
  const file = join(folder, `.probe-${randomUUID()}`)
  await writeFile(file, '', { mode: 0o600, flag: 'wx' })
  await rm(file, { force: true })
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

const REASONS: Readonly<Record<string, string>> = {
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENAMETOOLONG: 'the path is too long',
  ELOOP: 'its symbolic links form a loop',
  ENOENT: 'nothing can be created there',
}

function reasonOf(error: unknown): string {
  const { code = '', path } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM') {
    const where = path === undefined ? 'it' : dirname(path)
    return `${where} is not writable for ${userName()}`
  }
  return REASONS[code] ?? `the system answered ${code || (error as Error).message}`
}

function userName(): string {
  try {
    return `the user ${userInfo().username}`
  } catch {
    // A container may run a user without a name.
    return `the user ${process.getuid?.() ?? ''}`.trimEnd()
  }
}
