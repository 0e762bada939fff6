import { newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import { recordOf } from '../../test/support/clients.js'
import type { ClientView } from '../clients/directory.js'
import { type Target, webhookTarget } from '../log/target.js'
import { memoryDatabase } from '../testing/memory-store.js'
import { DeliveryList } from './delivery-list.js'

const now = new Date('2026-03-01T12:00:00Z')
const nextAt = new Date(now.getTime() + 60_000)

test('the next delivery of a target is the first entry that it is to get, or the one that is replayed to it', async () => {
  const store = memoryDatabase({ now: () => now, leaseMs: 60_000 }).open()
  const record = recordOf()
  await store.insertClient(record)
  const stream = { clientId: record.id, streamId: newId() }
  const event = { payload: '{}', at: now, claim: false }
  await store.createConversation(
    { id: stream.streamId, clientId: record.id, createdAt: now },
    { ...event, id: newId(), type: 'conversation.new', owes: [] },
  )
  const post = async (owes: Target[], claim = false) => {
    const entry = { ...event, id: newId(), type: 'message' as const, claim }
    const appended = await store.append({
      ...{ ...stream, entry },
      kind: 'conversation',
      resolve: () => ({ owes }),
    })
    if (!appended) throw new Error('the conversation is not there')
    return appended
  }
  const [one, other] = [webhookTarget(newId()), webhookTarget(newId())]
  const first = await post([other], true)
  const second = await post([one])
  const lanes = { [one]: { done: 1, attempt: 2, error: 'answered 500', blockedUntil: nextAt } }
  const lease = 'claimed' in first && first.claimed ? first.claimed.lease : { fence: 0 }
  await store.mark(stream, lease, { scanned: 3, lanes, nextAt })

  const list = new DeliveryList({ store, deliveries: {} as never })
  const client = { id: record.id, webhooks: [], integrations: new Map() } as unknown as ClientView
  const listed = async () => {
    const { deliveries } = await list.pending(client, {}, { limit: 10 })
    return deliveries.map(({ entry, target, state }) => [entry.id, target, state])
  }
  expect(await listed()).toEqual([[second.entry.id, one, 'retrying']])

  await store.bury(stream, 2, other, { reason: 'exhausted', attempts: 3, at: now, label: 'x' })
  await store.replay({ clientId: record.id, entryId: first.entry.id, target: other, to: one, now })
  expect(await listed()).toEqual([
    [second.entry.id, one, 'retrying'],
    [first.entry.id, one, 'pending'],
  ])
})
