import { expect, test } from 'vitest'
import { openStore, say, talk, temporaryPath } from '../test/temporary.js'
import type { Batch } from './database/group-commit.js'

const COUNT = 60
/** Together 30 MB. */
const TEXT = JSON.stringify({ type: 'text', text: 'x'.repeat(500_000) })

test('many large messages are removed in several transactions, between which others have their turn', async () => {
  const batches: Batch[] = []
  const store = await openStore({ path: await temporaryPath(), onBatch: (batch) => void batches.push(batch) })
  const stream = await talk(store)
  for (let i = 0; i < COUNT; i += 1) await say(store, stream, { payload: TEXT })
  const { clientId, streamId } = stream
  batches.length = 0
  expect(await store.deleteMessages(clientId, streamId, 'all', new Date())).toBe(COUNT)
  expect(batches.length).toBeGreaterThanOrEqual(7)
  expect(await store.listMessages(clientId, streamId, { limit: 10 })).toEqual([])

  for (let i = 0; i < COUNT; i += 1) await say(store, stream, { payload: TEXT })
  let calls = 0
  while (!(await store.purgeClient(clientId, 500))) calls += 1
  expect(calls).toBeGreaterThanOrEqual(6)
  expect(await store.listMessages(clientId, streamId, { limit: 10 })).toBe(undefined)
})
