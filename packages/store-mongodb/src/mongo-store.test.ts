import type { Store } from '@plugboard/hub'
import { archiveSuite, storeSuite } from '@plugboard/hub/testing'
import { type Connection, createConnection } from 'mongoose'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { dropDatabase, emptyCollections, hasServer, newDatabaseUrl } from '../test/database.js'
import { openMongoStore } from './index.js'

/** Databases without data for the next cases, since the indexes of a new one take longer than most cases. */
const emptied: string[] = []
let connection: Connection
beforeAll(async () => {
  if (hasServer) connection = await createConnection(newDatabaseUrl()).asPromise()
})
afterAll(async () => {
  await Promise.all(emptied.map(dropDatabase))
  await connection?.close()
})

/** Commands that add documents, each with the name of a collection. */
const WRITES: ReadonlySet<string> = new Set(['insert', 'update', 'findAndModify'])

async function create() {
  const url = emptied.pop() ?? newDatabaseUrl()
  const written = new Set<string>()
  let ahead = 0
  const open = async () => {
    const store = await openMongoStore({
      url,
      // Room for more takes longer to make than most cases.
      cacheSize: 1000,
      now: () => new Date(Date.now() + ahead),
      onCommand: ({ name, body }) => {
        if (WRITES.has(name)) written.add(String(body[name]))
      },
    })
    handles.add(store)
    return store
  }
  const handles = new Set<Store>()
  const store = await open()
  return {
    store,
    async reopen() {
      await store.close()
      return open()
    },
    another: open,
    advance(ms: number) {
      ahead += ms
    },
    async close() {
      await Promise.all([...handles].map((handle) => handle.close()))
      await emptyCollections(connection, url, written)
      emptied.push(url)
    },
  }
}

describe.runIf(hasServer)('the archive', () => {
  for (const { name, run } of archiveSuite({ name: 'mongodb', create })) test(name, run)
})

describe.runIf(hasServer)('the storage port', () => {
  for (const { name, run } of storeSuite({ name: 'mongodb', create })) test(name, run)
})
