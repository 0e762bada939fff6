import type { IndexDefinition, IndexOptions } from 'mongoose'
import type { Models } from './schemas.js'

type Index = readonly [name: string, keys: IndexDefinition & Record<string, 1 | -1>, options?: IndexOptions]
type Indexes = Readonly<Record<keyof Models, readonly Index[]>>

/** Long enough for every change stream to have seen a signal. */
const SIGNAL_SECONDS = 60

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
  { signals: [['age', { at: 1 }, { expireAfterSeconds: SIGNAL_SECONDS }]] },
  {
    queued: [
      ['numbers', { clientId: 1, queueId: 1, n: 1 }, { unique: true }],
      ['places', { clientId: 1, queueId: 1, streamId: 1, seq: 1 }, { unique: true }],
      ['of_user', { clientId: 1, queueId: 1, userId: 1, n: 1 }, there('userId')],
    ],
    pulls: [
      ['due', { clientId: 1, webhookId: 1, dueAt: 1 }, there('dueAt')],
      ['waiting', { clientId: 1, webhookId: 1, since: 1 }, there('dueAt')],
      ['of_stream', { clientId: 1, streamId: 1 }],
      ['idle', { idleAt: 1 }, there('idleAt')],
    ],
  },
  { attempts: [['age', { at: 1 }]], promptAttempts: [] },
  {
    deadLetters: [
      ['newest', { clientId: 1, at: -1, entryId: -1, target: -1 }],
      ['of_target', { clientId: 1, target: 1, at: -1, entryId: -1 }],
      ['of_reason', { clientId: 1, reason: 1, at: -1, entryId: -1, target: -1 }],
      ['of_channel', { clientId: 1, channel: 1, at: -1, entryId: -1, target: -1 }, there('channel')],
      [
        'of_integration',
        { clientId: 1, integrationId: 1, at: -1, entryId: -1, target: -1 },
        there('integrationId'),
      ],
      ['of_stream', { clientId: 1, streamId: 1, seq: 1, target: 1 }],
    ],
  },
]

/**
 * Indexes of streams for the lists of operators. They are built while the database is in use (see `Backfill`), since that
 * takes minutes where there are many streams. Those of activity change seldom with a message, see `movedActivity`.
 */
export const STREAM_LISTS: readonly Index[] = [
  ['owing', { clientId: 1, nextAt: 1, _id: 1 }, there('nextAt')],
  ['recent', { clientId: 1, activeAt: -1, _id: -1 }, there('activeAt')],
  ['recent_of_channel', { clientId: 1, 'endpoints.channel': 1, activeAt: -1, _id: -1 }, there('activeAt')],
]

/** Of the first version. `owing` begins with the same fields, so this one is dropped when that is there. */
export const REPLACED = 'due_of_client'

/** As the server takes them. */
export const specsOf = (indexes: readonly Index[]) =>
  indexes.map(([name, key, options]) => ({ name, key, ...options }))

const all: Record<string, Index[]> = {}
for (const version of versions) {
  for (const [name, added] of Object.entries(version)) all[name] = [...(all[name] ?? []), ...added]
}

all.streams = [...(all.streams ?? []).filter(([name]) => name !== REPLACED), ...STREAM_LISTS]

/** All of them, by collection. */
export const indexes: Readonly<Record<string, readonly Index[]>> = all
