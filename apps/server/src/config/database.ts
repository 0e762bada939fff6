import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What DATABASE_URL names. */
export interface Database {
  kind: 'sqlite' | 'mongodb'
  /** The file, or the URL with its credentials. */
  place: string
  /** For people: without credentials. */
  label: string
  /** Where its key is kept when ENCRYPTION_KEY is not set. */
  keyFile: string
  /** Where the key of the admin routes is kept when ADMIN_KEY is not set. */
  adminKeyFile: string
}

/** Where keys of databases lie that have no file of their own. */
const KEYS_FOLDER = 'data'

/** Reads DATABASE_URL, of which the setting has checked the form. A relative file starts at the working folder. */
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

/** The part behind the hosts; undefined where there is none. */
export const databaseNameOf = (url: string): string | undefined =>
  /^[^:]+:\/\/[^/?]+\/([^?/]+)/.exec(url)?.[1]

/** The driver takes more forms of such an URL than `URL` does, such as several hosts. Options may hold secrets too. */
export const withoutCredentials = (url: string): string =>
  url.replace(/^([^:]+:\/\/)[^/?]*@/, '$1***@').replace(/\?.*$/s, '')
