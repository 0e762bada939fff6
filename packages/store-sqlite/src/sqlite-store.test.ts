import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { archiveSuite, storeSuite } from '@plugboard/hub/testing'
import { describe, test } from 'vitest'
import { sqliteStore } from './index.js'

async function create(options: { cacheSize?: number } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'plugboard-'))
  const path = join(folder, 'data', 'plugboard.db')
  let ahead = 0
  const now = () => new Date(Date.now() + ahead)
  let store = await sqliteStore({ path, now, ...options })
  return {
    store,
    async reopen() {
      await store.close()
      store = await sqliteStore({ path, now, ...options })
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
  for (const { name, run } of archiveSuite({ name: 'sqlite', create: () => create() })) test(name, run)
})

const lacks = { another: 'one process has the file, and one handle' }

describe('the storage port', () => {
  for (const { name, run } of storeSuite({ name: 'sqlite', create: () => create(), lacks })) test(name, run)
})

describe('the storage port, with one stream in memory', () => {
  const suite = storeSuite({ name: 'sqlite', create: () => create({ cacheSize: 1 }), lacks })
  for (const { name, run } of suite)
    if (/> (due|leases|wake-ups|the end of a lease) >/.test(name)) test(name, run)
})
