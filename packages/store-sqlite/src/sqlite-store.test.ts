import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { archiveSuite, storeSuite } from '@plugboard/hub/testing'
import { describe, test } from 'vitest'
import { sqliteStore } from './index.js'

async function create() {
  const folder = await mkdtemp(join(tmpdir(), 'plugboard-'))
  const path = join(folder, 'data', 'plugboard.db')
  let ahead = 0
  const now = () => new Date(Date.now() + ahead)
  let store = await sqliteStore({ path, now })
  return {
    store,
    async reopen() {
      await store.close()
      store = await sqliteStore({ path, now })
      return store
    },
    advance(ms: number) {
      ahead += ms
    },
    async close() {
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
}

describe('the archive', () => {
  for (const { name, run } of archiveSuite({ name: 'sqlite', create })) test(name, run)
})

describe('the storage port', () => {
  const lacks = { another: 'one process has the file, and one handle' }
  for (const { name, run } of storeSuite({ name: 'sqlite', create, lacks })) test(name, run)
})
