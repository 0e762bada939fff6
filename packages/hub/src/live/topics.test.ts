import { newId, silentLogger } from '@plugboard/core'
import { expect, onTestFinished, test } from 'vitest'
import { memoryDatabase } from '../testing/memory-store.js'
import { Topics } from './topics.js'

function setUp() {
  const topics = new Topics({
    ...{ store: memoryDatabase().open(), log: silentLogger, now: () => new Date() },
  })
  onTestFinished(() => topics.close())
  const stream = { clientId: newId(), streamId: newId() }
  return { topics, stream, join: () => topics.join(stream.clientId, stream.streamId) }
}

test('a stream has a topic as long as somebody follows it', async () => {
  const { topics, stream, join } = setUp()
  const [one, other] = [await join(), await join()]
  expect(other.topic).toBe(one.topic)
  topics.leave(one)
  expect(topics.find(stream)).toBe(one.topic)
  topics.leave(other)
  expect(topics.find(stream)).toBeUndefined()
})

test('a follower that leaves late takes the topic of nobody who came meanwhile', async () => {
  const { topics, stream, join } = setUp()
  // Its connection is gone, but it still reads.
  const late = await join()
  late.end()
  topics.leave(await join())
  const next = await join()
  topics.leave(late)
  expect(topics.find(stream)).toBe(next.topic)
})
