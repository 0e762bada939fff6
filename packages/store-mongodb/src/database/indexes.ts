import type { IndexDefinition, IndexOptions } from 'mongoose'
import type { Models } from './schemas.js'

type Index = readonly [name: string, keys: IndexDefinition & Record<string, 1 | -1>, options?: IndexOptions]
type Indexes = Readonly<Record<keyof Models, readonly Index[]>>

const there = (field: string) => ({ partialFilterExpression: { [field]: { $exists: true } } })

/**
 * The collections that each version of the schema makes and the indexes that it adds, beside that of `_id`. Those that
 * keep something unique begin with the shard key of their collection. What was released is never changed.
 */
export const versions: readonly Partial<Indexes>[] = [
  {
    streams: [
      ['of_client', { clientId: 1, _id: 1 }],
      ['due', { nextAt: 1, clientId: 1 }, there('nextAt')],
      ['due_of_client', { clientId: 1, nextAt: 1 }, there('nextAt')],
      ['owed', { owedAt: 1 }, there('owedAt')],
      ['conversations', { clientId: 1, userId: 1, listAt: -1, _id: -1 }, there('listAt')],
      ['over', { isOver: 1 }, there('isOver')],
    ],
    entries: [
      ['places', { clientId: 1, streamId: 1, seq: 1 }, { unique: true }],
      ['dedupe', { clientId: 1, streamId: 1, dedupe: 1 }, { unique: true, ...there('dedupe') }],
      ['messages', { clientId: 1, streamId: 1, at: -1, seq: -1 }, there('listed')],
      ['replies', { clientId: 1, streamId: 1, incomingId: 1, seq: 1 }, there('incomingId')],
      ['dead', { clientId: 1, _id: -1 }, there('isDead')],
    ],
    addresses: [['addresses', { clientId: 1, address: 1 }, { unique: true }]],
    keys: [
      ['keys', { clientId: 1, key: 1 }, { unique: true }],
      ['age', { at: 1 }],
    ],
    clients: [
      ['external_id', { externalId: 1 }, { unique: true, ...there('externalId') }],
      ['name', { name: 1 }, { unique: true, ...there('name') }],
    ],
    meta: [],
  },
  {
    streams: [
      // Neither changes with a message, as `conversations` does.
      ['of_user', { clientId: 1, userId: 1, _id: 1 }, there('listAt')],
      ['of_kind', { clientId: 1, kind: 1, _id: 1 }, there('listAt')],
    ],
    addresses: [['of_user', { clientId: 1, userId: 1, conversationId: 1 }]],
    documents: [
      ['documents', { clientId: 1, kind: 1, documentId: 1 }, { unique: true }],
      ['names', { clientId: 1, kind: 1, name: 1 }, { unique: true, ...there('name') }],
      ['terms', { clientId: 1, kind: 1, terms: 1, documentId: 1 }, there('terms')],
    ],
    counters: [['counters', { clientId: 1, name: 1 }, { unique: true }]],
  },
  { streams: [['merged', { clientId: 1, mergedInto: 1 }, there('mergedInto')]] },
]

const all: Record<string, Index[]> = {}
for (const version of versions) {
  for (const [name, added] of Object.entries(version)) all[name] = [...(all[name] ?? []), ...added]
}

/** All of them, by collection. */
export const indexes: Readonly<Record<string, readonly Index[]>> = all
