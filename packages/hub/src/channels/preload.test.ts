import { silentLogger } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import type { Store } from '../ports/store.js'
import type { Channels } from './channels.js'
import { Preload } from './preload.js'

/** One process after another on the same store; each returns what it has loaded, in order. */
function processes() {
  const meta = new Map<string, string>()
  const store = {
    getMeta: async (key: string) => meta.get(key),
    putMetaIfAbsent: async (key: string, value: string) => {
      if (!meta.has(key)) meta.set(key, value)
      return meta.get(key)
    },
  } as unknown as Store
  return (names: string[], load: (name: string) => Promise<unknown> = async () => undefined) => {
    const loaded: string[] = []
    const runtime = async (name: string) => {
      loaded.push(name)
      await load(name)
      preload.used(name)
    }
    const preload: Preload = new Preload({
      store,
      channels: { names, runtime } as unknown as Channels,
      log: silentLogger,
    })
    return { preload, loaded }
  }
}

describe('a process that starts', () => {
  test('loads what was used before, in any process, and nothing else', async () => {
    const start = processes()
    const names = ['carrier', 'courier', 'telegraph']
    const first = start(names)
    first.preload.start()
    first.preload.used('courier')
    first.preload.used('telegraph')
    first.preload.stop()
    const second = start(names)
    second.preload.start()
    await expect.poll(() => second.loaded, { timeout: 5000 }).toEqual(['courier', 'telegraph'])
    expect(first.loaded).toEqual([])
    second.preload.stop()
  })

  test('continues if a channel cannot be loaded; calls that need it fail', async () => {
    const start = processes()
    const names = ['broken', 'courier']
    for (const name of names) start(names).preload.used(name)
    const next = start(names, async (name) => {
      if (name === 'broken') throw new Error('no such module')
    })
    next.preload.start()
    await expect.poll(() => next.loaded, { timeout: 5000 }).toEqual(names)
    next.preload.stop()
  })
})
