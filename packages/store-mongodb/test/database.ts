import { newId } from '@plugboard/core'
import type { Store } from '@plugboard/hub'
import { type Connection, createConnection } from 'mongoose'
import { inject, onTestFinished } from 'vitest'
import { type MongoStoreOptions, openMongoStore } from '../src/index.js'

declare module 'vitest' {
  export interface ProvidedContext {
    mongodbUrl: string | undefined
  }
}

/** Whether there is a server; the setup has said so loudly where there is none. */
export const hasServer = inject('mongodbUrl') !== undefined

/** The connection string of a database that no other test has. */
export function newDatabaseUrl(): string {
  const url = inject('mongodbUrl') ?? ''
  const [, origin = url, query = ''] = /^(\w[\w+]*:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/.exec(url) ?? []
  return `${origin}/plugboard_${newId()}${query}`
}

export async function dropDatabase(url: string): Promise<void> {
  const connection = await createConnection(url).asPromise()
  await connection.dropDatabase()
  await connection.close()
}

/** Leaves the collections, their indexes and the version of the schema. The connection may be to another database. */
export async function emptyCollections(
  connection: Connection,
  url: string,
  names: ReadonlySet<string>,
): Promise<void> {
  const [, database] = /\/([^/?]+)(?:\?|$)/.exec(url) ?? []
  const collection = (name: string) => connection.getClient().db(database).collection(name)
  const those = [...names].filter((name) => name !== 'schema')
  await Promise.all(those.map((name) => collection(name).deleteMany({})))
}

/** A store that is closed when the test is over, on a database of its own unless one is given. */
export async function openStore(options: Partial<MongoStoreOptions> = {}): Promise<Store> {
  const url = options.url ?? newDatabaseUrl()
  const store = await openMongoStore({ ...options, url })
  onTestFinished(() => store.close())
  if (!options.url) onTestFinished(() => dropDatabase(url))
  return store
}
