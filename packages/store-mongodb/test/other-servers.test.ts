import { isPlugboardError } from '@plugboard/core'
import type { Watcher } from '@plugboard/hub'
import { type Rewrite, rewriteAnswers } from '@plugboard/test-mongodb'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dropDatabase, hasServer, newDatabaseUrl, openStore } from './database.js'
import { due, say, talk, target } from './scene.js'

/** A store on a server that answers so. */
async function storeOn(rewrite: Rewrite) {
  const url = newDatabaseUrl()
  onTestFinished(() => dropDatabase(url))
  const server = await rewriteAnswers(url, rewrite)
  onTestFinished(() => server.close())
  return openStore({ url: server.url })
}

const watcher: Watcher = {
  due: () => undefined,
  clientChanged: () => undefined,
  turnEnded: () => undefined,
  appended: () => undefined,
  signalled: () => undefined,
  queued: () => undefined,
  missed: () => undefined,
}

/** As a replica set that fails to open change streams; counts how often it was asked. */
function withoutChangeStreams(code: number) {
  const asked = { times: 0 }
  const rewrite: Rewrite = (answer, command) => {
    const [stage] = Array.isArray(command?.pipeline) ? command.pipeline : []
    if (answer.isWritablePrimary) return { ...answer, setName: 'tests' }
    if (!stage?.$changeStream) return answer
    asked.times += 1
    return { ok: 0, code, codeName: 'Failed', errmsg: 'no' }
  }
  return { asked, rewrite }
}

describe.runIf(hasServer)('a server whose `hello.localTime` is no date', () => {
  test.each([1_700_000_000_000, '2026-01-01T00:00:00Z', null, { t: 1, i: 1 }])(
    'is opened, and all goes by the clock of this process: %o',
    async (localTime) => {
      const store = await storeOn((answer) => ('localTime' in answer ? { ...answer, localTime } : answer))
      const stream = await talk(store)
      const { entry } = await say(store, stream, { owes: [target()] })
      expect(await due(store, new Date(entry.at.getTime() + 1000))).toEqual([stream.streamId])
      expect((await store.listMessages(stream.clientId, stream.streamId, { limit: 9 }))?.length).toBe(1)
    },
  )
})

describe.runIf(hasServer)('a server that refuses change streams', () => {
  test.each([13, 20, 59, 115, 238, 303, 8000, 40_324, 40_573])(
    'for good, with code %i, is asked once, and does not tell at once what others do',
    async (code) => {
      const { asked, rewrite } = withoutChangeStreams(code)
      const store = await storeOn(rewrite)
      const reason = expect.stringContaining(`code ${code}`)
      expect(await store.watch(watcher)).toEqual({ isInstant: false, reason })
      expect(asked.times).toBe(1)
      const stream = await talk(store)
      const { entry } = await say(store, stream, { owes: [target()] })
      expect(await due(store, new Date(entry.at.getTime() + 1000))).toEqual([stream.streamId])
    },
  )

  test.each([50, 91, 10_107])('for now, with code %i, may be asked again', async (code) => {
    const { rewrite } = withoutChangeStreams(code)
    const store = await storeOn(rewrite)
    await expect(store.watch(watcher)).rejects.toSatisfy((error) => isPlugboardError(error, 'UNAVAILABLE'))
  })
})
