import { type Id, newId } from '@plugboard/core'
import { expect, test, vi } from 'vitest'
import type { ClientView } from '../clients/directory.js'
import type { ConversationRecord } from '../log/endpoint-record.js'
import { ConversationList } from './conversation-list.js'

const client = { id: newId(), integrations: new Map() } as unknown as ClientView

test('a search that finds many people looks closely at the newest conversations alone', async () => {
  const base = Date.parse('2026-11-22T08:00:00Z')
  let count = 0
  const conversationsOf = (userId: Id): ConversationRecord[] =>
    Array.from({ length: 200 }, () => {
      count += 1
      return {
        id: newId(),
        clientId: client.id,
        userId,
        createdAt: new Date(base + count),
        endpoints: [],
        seq: 1,
      }
    })
  const conversationStates = vi.fn(async (_: Id, ids: readonly Id[]) => ids.slice(0, 0))
  const list = new ConversationList({
    store: {
      conversationStates,
      newestMessages: async () => [],
      findPlaces: async () => [],
      findConversations: async () => [],
      walkConversations: async (_: Id, { userId }: { userId: Id }) => conversationsOf(userId),
    },
    people: { findByIdentity: async () => Array.from({ length: 50 }, () => ({ id: newId() })) },
  } as never)
  const { items } = await list.list(client, { identity: 'team@example.com' }, { limit: 50 })
  expect(items).toHaveLength(200)
  expect(items[0]?.createdAt).toEqual(new Date(base + 10_000))
  expect(items.at(-1)?.createdAt).toEqual(new Date(base + 9_801))
  expect(conversationStates.mock.lastCall?.[1]).toHaveLength(200)
})
