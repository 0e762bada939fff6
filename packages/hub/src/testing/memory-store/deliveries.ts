import { listedDeaths } from '../../log/dead-letter.js'
import type { Entry } from '../../log/entry.js'
import type { LaneState, Mark } from '../../log/progress.js'
import { type LaneKey, replayLane, type Target } from '../../log/target.js'
import type { Database, Methods } from './database.js'
import { findEntry, replaceEntry } from './entries.js'
import { dueAt, giveBack, isHolder, mayReclaim, renew, retake, take, wake } from './leases.js'
import { type Owner, owesSomething, type Stream } from './stream.js'

/** What is owed, who delivers it, and how far that got. */
export const deliveryMethods = (database: Database, owner: Owner) =>
  ({
    claimDue({ now, limit, except }) {
      const streams = [...database.streams.values()].filter(({ clientId }) => !except.includes(clientId))
      const times = streams.flatMap((stream) => {
        const at = dueAt(stream)
        return at ? [{ stream, at }] : []
      })
      times.sort((a, b) => a.at.getTime() - b.at.getTime())
      const due = times.filter(({ at }) => at <= now).slice(0, limit)
      const nextAt = times.find(({ at }) => at > now)?.at
      // A claim that was long on its way still gets a whole lease.
      const from = new Date(Math.max(now.getTime(), database.now().getTime()))
      const claimed = due.map(({ stream }) => take(database, stream, owner, from))
      return { claimed, ...(nextAt && { nextAt }) }
    },

    mark({ clientId, streamId }, lease, { scanned, lanes, nextAt }) {
      const stream = database.find(clientId, streamId)
      if (!stream || !isHolder(stream, owner, lease)) return 'lost'
      stream.scanned = Math.max(stream.scanned, scanned)
      stream.lanes = changedLanes(stream.lanes, lanes)
      const seq = stream.entries.length
      if (nextAt === 'active' || seq > stream.scanned) renew(database, stream, lease)
      else giveBack(database, stream, nextAt)
      return seq
    },

    reclaim({ clientId, streamId }, lease) {
      const stream = database.find(clientId, streamId)
      if (!stream || !mayReclaim(stream, owner, lease)) return 'lost'
      return retake(database, stream, owner, lease)
    },

    bury({ clientId, streamId }, seq, target, dead) {
      const stream = database.find(clientId, streamId)
      const entry = stream?.entries[seq - 1]
      if (entry) replaceEntry(stream, { ...entry, dead: { ...entry.dead, [target]: structuredClone(dead) } })
    },

    recordSent({ clientId, streamId }, seq, target, sent) {
      const stream = database.find(clientId, streamId)
      const entry = stream?.entries[seq - 1]
      if (entry) replaceEntry(stream, { ...entry, sent: { ...entry.sent, [target]: structuredClone(sent) } })
    },

    listDead(clientId, { before, limit }) {
      const entries = database.streamsOf(clientId).flatMap((stream) => stream.entries)
      return entries
        .filter((entry) => listedDeaths(entry).length > 0 && (before === undefined || entry.id < before))
        .sort((a, b) => (a.id < b.id ? 1 : -1))
        .slice(0, limit)
        .map(({ payload: _, details: __, ...entry }) => entry)
    },

    replay({ clientId, entryId, target, to, now }) {
      const entry = findEntry(database, clientId, entryId)
      const stream = entry && database.find(clientId, entry.streamId)
      const dead = entry?.dead?.[target]
      if (!stream || !dead || entry.deletedAt) return undefined
      replaceEntry(stream, revived(entry, target))
      const key = replayLane(entry.seq, dead.at, to)
      const lane = { done: entry.seq - 1, since: new Date(now) }
      stream.lanes = { ...stream.lanes, [key]: lane }
      wake(database, stream, now)
      return { clientId, streamId: stream.streamId, key, lane }
    },

    discard(clientId, entryId, target) {
      const entry = findEntry(database, clientId, entryId)
      const stream = entry && database.find(clientId, entry.streamId)
      const dead = entry?.dead?.[target]
      if (!stream || !dead || dead.isDiscarded) return false
      replaceEntry(stream, { ...entry, dead: { ...entry.dead, [target]: { ...dead, isDiscarded: true } } })
      return true
    },

    wakeClient(clientId, now) {
      for (const stream of database.streamsOf(clientId))
        if (owesSomething(stream)) wake(database, stream, now)
    },

    findProgress({ clientId, streamId }) {
      const stream = database.find(clientId, streamId)
      return stream && { scanned: stream.scanned, lanes: stream.lanes }
    },

    findSchedule({ clientId, streamId }) {
      const stream = database.find(clientId, streamId)
      if (!stream) return undefined
      const { holder, nextAt } = stream
      if (holder) return { leasedUntil: holder.until }
      return nextAt ? { dueAt: nextAt } : {}
    },

    backlog(limit) {
      const owing = [...database.streams.values()].filter(owesSomething)
      const times = owing.flatMap((stream) => firstOwed(stream)?.at ?? [])
      const oldest = times.sort((a, b) => a.getTime() - b.getTime())[0]
      return {
        ...{ streams: Math.min(owing.length, limit), isMore: owing.length > limit },
        ...(oldest && { oldest }),
      }
    },
  }) satisfies Partial<Methods>

/** What is left of the lanes after a mark. A lane that it names is replaced whole, or removed. */
function changedLanes(lanes: Stream['lanes'], changes: Mark['lanes']): Stream['lanes'] {
  const changed: Record<LaneKey, LaneState> = { ...lanes }
  for (const [key, lane] of Object.entries(changes) as [LaneKey, LaneState | null][]) {
    if (lane) changed[key] = structuredClone(lane)
    else delete changed[key]
  }
  return changed
}

/** The entry without the mark of death of a target. */
function revived({ dead, ...entry }: Entry, target: Target): Entry {
  const { [target]: _, ...left } = dead ?? {}
  return Object.keys(left).length > 0 ? { ...entry, dead: left } : entry
}

/** The first entry that some target may not have yet. */
function firstOwed({ scanned, lanes, entries }: Stream): Entry | undefined {
  return entries[Math.min(scanned, ...Object.values<LaneState>(lanes).map(({ done }) => done))]
}
