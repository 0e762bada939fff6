import { join } from 'node:path'
import { type ArchiveSuite, archiveSuite } from '@plugboard/hub/testing'
import { openMongoStore } from '@plugboard/store-mongodb'
import { sqliteStore } from '@plugboard/store-sqlite'
import { afterAll, describe, inject, test } from 'vitest'
import { newDatabase } from '../support/replicas.js'
import { cleanUp, isSoak, temporaryFolder } from '../support/server.js'

afterAll(cleanUp)

const inFile: ArchiveSuite['create'] = async () => {
  const store = await sqliteStore({ path: join(await temporaryFolder(), 'plugboard.db') })
  return { store, close: () => store.close() }
}

const inMongodb: ArchiveSuite['create'] = async () => {
  const { DATABASE_URL: url = '' } = newDatabase(inject('mongodbUrl') ?? '')
  const store = await openMongoStore({ url })
  return { store, close: () => store.close() }
}

describe('copies from one kind of store to the other and back', () => {
  for (const { name, run } of [
    ...archiveSuite({ name: 'file to MongoDB to file', create: inFile, through: inMongodb }),
    // Both steps are in the other as well, but what it begins with was written by the embedded store.
    ...(isSoak
      ? archiveSuite({ name: 'MongoDB to file to MongoDB', create: inMongodb, through: inFile })
      : []),
  ])
    test(name, run)
})
