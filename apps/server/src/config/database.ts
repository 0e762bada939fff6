import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The database of DATABASE_URL. */
export interface Database {
  kind: 'sqlite' | 'mongodb'
  /** The file, or the URL with its credentials. */
  place: string
  /** Display text, without credentials. */
  label: string
  /** Encryption key file, used if ENCRYPTION_KEY is not set. */
  keyFile: string
  /** Admin key file, used if ADMIN_KEY is not set. */
  adminKeyFile: string
}

/** Folder for the key files of databases that are not files. */
const KEYS_FOLDER = 'data'

/** Parses a valid DATABASE_URL. Relative files start in the working folder. */
export function databaseOf({
  databaseUrl,
  workingFolder,
}: {
  databaseUrl: string
  workingFolder: string
}): Database {
  if (isMongodbUrl(databaseUrl)) {
    const keys = resolve(workingFolder, KEYS_FOLDER, `${databaseNameOf(databaseUrl)}`)
    return {
      kind: 'mongodb',
      place: databaseUrl,
      label: withoutCredentials(databaseUrl),
      ...keyFilesAt(keys),
    }
  }
  const file = databaseUrl.startsWith('file://')
    ? fileURLToPath(databaseUrl)
    : resolve(workingFolder, databaseUrl.slice('file:'.length))
  return { kind: 'sqlite', place: file, label: file, ...keyFilesAt(file) }
}

const keyFilesAt = (path: string): Pick<Database, 'keyFile' | 'adminKeyFile'> => ({
  keyFile: `${path}.key`,
  adminKeyFile: `${path}.admin-key`,
})

export const isMongodbUrl = (url: string): boolean => /^mongodb(\+srv)?:\/\//i.test(url)

/** The path after the hosts; undefined if there is none. */
export const databaseNameOf = (url: string): string | undefined =>
  /^[^:]+:\/\/[^/?]+\/([^?/]+)/.exec(url)?.[1]

/** Not parsed with `URL`, which does not support several hosts. Options may contain secrets too. */
export const withoutCredentials = (url: string): string =>
  url.replace(/^([^:]+:\/\/)[^/?]*@/, '$1***@').replace(/\?.*$/s, '')
