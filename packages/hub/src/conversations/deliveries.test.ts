import { newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import { recordOf } from '../../test/support/clients.js'
import type { ClientView } from '../clients/directory.js'
import { endpointTarget, replayLane } from '../log/target.js'
import { memoryDatabase } from '../testing/memory-store.js'
import { Deliveries } from './deliveries.js'

const target = endpointTarget(newId())

test('a conversation takes a thousand replays that wait, and then asks to come back later', async () => {
  const { replay, lanes } = await setUp()
  for (let seq = 1; seq < 1000; seq += 1) lanes[replayLane(seq, new Date(), target)] = { done: seq - 1 }
  await expect(replay()).rejects.toMatchObject({ code: 'NOT_FOUND' })
  lanes[replayLane(1000, new Date(), target)] = { done: 999 }
  await expect(replay()).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 1000 })
})

/** A message of a conversation whose lanes the test sets. */
async function setUp() {
  const record = recordOf()
  const store = memoryDatabase().open()
  await store.insertClient(record)
  const streamId = newId()
  const event = { id: newId(), type: 'conversation.new' as const, payload: '{}', at: new Date(), owes: [] }
  const conversation = { id: streamId, clientId: record.id, createdAt: new Date() }
  const { entry } = await store.createConversation(conversation, { ...event, claim: false })
  const lanes: Record<string, { done: number }> = {}
  const deliveries = new Deliveries({
    store: { ...store, findProgress: async () => ({ scanned: 1, lanes }) },
    now: () => new Date(),
  } as unknown as ConstructorParameters<typeof Deliveries>[0])
  const client: ClientView = { id: record.id, record, webhooks: [], integrations: new Map() }
  return { lanes, replay: () => deliveries.replay(client, entry.id, target) }
}
