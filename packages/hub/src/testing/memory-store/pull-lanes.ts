import type { Id } from '@plugboard/core'
import { offered, type PullLane, type PullLaneRef } from '../../log/pull-lane.js'
import { type Database, keyOf, type Methods } from './database.js'

/** What waits for the readers of pull webhooks. Who may take what is decided by compare-and-set. */
export function pullMethods(database: Database) {
  const { pulls } = database
  const rowOf = (clientId: Id, { webhookId, streamId, replay = '' }: PullLaneRef) =>
    keyOf(clientId, webhookId, streamId, replay)
  const lanesOf = (clientId: Id, webhookId: Id) =>
    [...pulls.values()].filter((lane) => lane.clientId === clientId && lane.webhookId === webhookId)
  const waitingOf = (clientId: Id, webhookId: Id) =>
    lanesOf(clientId, webhookId)
      .filter((lane) => lane.dueAt !== undefined)
      .sort((a, b) => a.since.getTime() - b.since.getTime())
  const keep = (lane: PullLane): void => {
    pulls.set(rowOf(lane.clientId, lane), structuredClone(lane))
    if (lane.dueAt && lane.heldTo === undefined)
      database.announce((watcher) => watcher.queued(lane.webhookId))
  }
  return {
    offerPulls(clientId, offers, now) {
      for (const offer of offers) {
        const lane = offered(pulls.get(rowOf(clientId, offer)), clientId, offer, now)
        if (lane) keep(lane)
      }
    },

    duePulls(clientId, webhookId, { now, limit }) {
      const waiting = lanesOf(clientId, webhookId)
        .flatMap((lane) => (lane.dueAt ? [{ lane, at: lane.dueAt }] : []))
        .sort((a, b) => a.at.getTime() - b.at.getTime())
      const lanes = waiting.filter(({ at }) => at <= now).slice(0, limit)
      const next = waiting[lanes.length]
      return { lanes: lanes.map(({ lane }) => lane), ...(next && next.at > now && { nextAt: next.at }) }
    },

    findPulls: (clientId, lanes) => lanes.flatMap((lane) => pulls.get(rowOf(clientId, lane)) ?? []),

    listPulls: (clientId, webhookId, { before, limit }) =>
      waitingOf(clientId, webhookId)
        .filter(({ since }) => since < before)
        .slice(0, limit),

    replacePulls: (lanes) =>
      lanes.map((lane) => {
        const isNext = pulls.get(rowOf(lane.clientId, lane))?.version === lane.version - 1
        if (isNext) keep(lane)
        return isNext
      }),

    pullBacklog(clientId, webhookId, limit) {
      const waiting = waitingOf(clientId, webhookId)
      const [first] = waiting
      const isMore = waiting.length > limit
      return { lanes: isMore ? limit : waiting.length, isMore, ...(first && { oldest: first.since }) }
    },

    purgePulls(before, limit) {
      const idle = [...pulls].filter(([, lane]) => !lane.dueAt && lane.since < before).slice(0, limit)
      for (const [row] of idle) pulls.delete(row)
      return idle.length
    },
  } satisfies Partial<Methods>
}
