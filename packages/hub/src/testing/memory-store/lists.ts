import type { Id } from '@plugboard/core'
import { type DeadPlace, type DeadRef, listedDeaths, matchesDead } from '../../log/dead-letter.js'
import { encodeChannel } from '../../log/endpoint-record.js'
import type { Dead, Entry } from '../../log/entry.js'
import type { OwingPlace } from '../../log/owing-streams.js'
import { bytesOf } from '../../log/page.js'
import { COUNTED_DEAD, PREVIEW_BYTES, type RecentConversation } from '../../log/recent.js'
import type { Target } from '../../log/target.js'
import { conversationsOf, isThere, recordOf } from './conversations.js'
import type { Database, Methods } from './database.js'
import { dueAt } from './leases.js'
import type { Stream } from './stream.js'

/** What operators look for, in the order in which they look at it. */
export const listMethods = (database: Database) =>
  ({
    recentConversations(clientId, { before, since, until, channel, limit }) {
      const all = conversationsOf(database, clientId).filter(isThere).map(recentOf)
      return all
        .filter(({ activeAt }) => (!since || activeAt >= since) && (!until || activeAt <= until))
        .filter(({ endpoints }) => channel === undefined || endpoints.some((each) => isOf(channel, each)))
        .sort(byActivity)
        .filter((each) => !before || byActivity(before, each) < 0)
        .slice(0, limit)
    },

    newestMessages: (clientId, conversationIds) =>
      conversationIds.flatMap((id) => {
        const message = database
          .conversation(clientId, id)
          ?.entries.findLast(({ type, deletedAt }) => type === 'message' && !deletedAt)
        return message && bytesOf(message) <= PREVIEW_BYTES ? message : []
      }),

    conversationStates(clientId, conversationIds) {
      const deaths = deathsOf(database, clientId)
      return conversationIds.flatMap((id) => {
        const stream = database.conversation(clientId, id)
        const dead = deaths.filter(({ ref }) => ref.streamId === id).length
        return stream
          ? { id, pending: Object.keys(stream.lanes).length, dead: Math.min(dead, COUNTED_DEAD) }
          : []
      })
    },

    findPlaces(clientId, sender, limit) {
      const places = conversationsOf(database, clientId)
        .filter(isThere)
        .flatMap(({ streamId, userId, endpoints }) =>
          endpoints
            .filter((endpoint) => endpoint.sender === sender)
            .flatMap(({ id }) => (userId ? { userId, conversationId: streamId, endpointId: id } : [])),
        )
      return places.slice(0, limit)
    },

    findDead(clientId, { before, limit, ...filter }) {
      const found = deathsOf(database, clientId)
        .filter(({ ref }) => matchesDead(ref, filter) && (!before || byDeath(before, ref) < 0))
        .sort((a, b) => byDeath(a.ref, b.ref))
      const page = found.slice(0, limit)
      const last = page.at(-1)
      return {
        letters: page.map(({ entry: { payload: _, details: __, ...entry }, ref: { target }, dead }) => ({
          ...{ entry, target, dead },
        })),
        ...(last && found.length > limit && { next: placeOf(last.ref) }),
      }
    },

    walkDead(clientId, { streamId, after, limit }) {
      const refs = deathsOf(database, clientId).map(({ ref }) => ref)
      return refs
        .filter((ref) => streamId === undefined || ref.streamId === streamId)
        .sort(bySpot)
        .filter((ref) => !after || bySpot(after, ref) < 0)
        .slice(0, limit)
    },

    listOwing(clientId, { after, limit }) {
      const owing = database
        .streamsOf(clientId)
        .flatMap((stream) => {
          const nextAt = dueAt(stream)
          return nextAt ? { stream, streamId: stream.streamId, nextAt } : []
        })
        .sort(byDueTime)
        .filter((each) => !after || byDueTime(after, each) < 0)
      return owing.slice(0, limit).map(({ stream, nextAt }) => {
        const { streamId, userId, endpoints, scanned, lanes, entries, holder } = stream
        return {
          ...{ clientId, streamId, endpoints, scanned, lanes, seq: entries.length, nextAt },
          ...(userId !== undefined && { userId }),
          isHeld: holder !== undefined,
        }
      })
    },
  }) satisfies Partial<Methods>

const recentOf = (stream: Stream): RecentConversation => ({
  ...recordOf(stream),
  activeAt: stream.activeAt ?? stream.createdAt,
})

const isOf = (channel: string, { channel: own }: Stream['endpoints'][number]): boolean =>
  encodeChannel(own) === channel

type Death = { entry: Entry; ref: DeadRef; dead: Dead }

const deathsOf = (database: Database, clientId: Id): Death[] =>
  database
    .streamsOf(clientId)
    .flatMap((stream) =>
      stream.entries.flatMap((entry) =>
        listedDeaths(entry).map(([target, dead]) => ({ entry, dead, ref: refOf(entry, target, dead) })),
      ),
    )

function refOf({ streamId, seq, id, type }: Entry, target: Target, dead: Dead): DeadRef {
  const { reason, at, channel, integrationId } = dead
  return {
    ...{ streamId, seq, entryId: id, type, target, reason, at },
    ...(channel !== undefined && { channel }),
    ...(integrationId !== undefined && { integrationId }),
  }
}

const placeOf = ({ at, entryId, target }: DeadPlace): DeadPlace => ({ at, entryId, target })

type Order = readonly (string | number)[]

/** Negative if the first one comes first. */
function inOrder(a: Order, b: Order): number {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? value
    if (value !== other) return value < other ? -1 : 1
  }
  return 0
}

const byDueTime = (a: OwingPlace, b: OwingPlace): number =>
  inOrder([a.nextAt.getTime(), a.streamId], [b.nextAt.getTime(), b.streamId])

const byActivity = (
  a: Pick<RecentConversation, 'activeAt' | 'id'>,
  b: Pick<RecentConversation, 'activeAt' | 'id'>,
): number => inOrder([b.activeAt.getTime(), b.id], [a.activeAt.getTime(), a.id])

const byDeath = (a: DeadPlace, b: DeadPlace): number =>
  inOrder([b.at.getTime(), b.entryId, b.target], [a.at.getTime(), a.entryId, a.target])

const bySpot = (
  a: Pick<DeadRef, 'streamId' | 'seq' | 'target'>,
  b: Pick<DeadRef, 'streamId' | 'seq' | 'target'>,
): number => inOrder([a.streamId, a.seq, a.target], [b.streamId, b.seq, b.target])
