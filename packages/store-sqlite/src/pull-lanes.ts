import type { Id } from '@plugboard/core'
import type { DuePulls, Given, PullLane, PullLaneRef, PullOffer } from '@plugboard/hub'
import { type Connection, prepareAll, prepareOne, prepareWrite, toBytes, toHex } from './database/sql.js'

/** One lane `p` as JSON text: a {@link PullRow}. */
export const PULL_ROW = `json_array(${toHex('p.client')}, ${toHex('p.webhook')}, ${toHex('p.stream')}, p.replay,
  p.done, p.up_to, p.since, p.due_at, p.held_to, p.fence, json(p.given), p.version,
  ${toHex('p.user')})`
export type PullRow = [
  clientId: Id,
  webhookId: Id,
  streamId: Id,
  replay: string,
  done: number,
  upTo: number,
  since: number,
  dueAt: number | null,
  heldTo: number | null,
  fence: number,
  given: Given[],
  version: number,
  userId: Id | '',
]

export function toPullLane(row: PullRow): PullLane {
  const [
    clientId,
    webhookId,
    streamId,
    replay,
    done,
    upTo,
    since,
    dueAt,
    heldTo,
    fence,
    given,
    version,
    userId,
  ] = row
  return {
    ...{ clientId, webhookId, streamId, done, upTo, since: new Date(since), fence, given, version },
    ...(replay !== '' && { replay }),
    ...(dueAt !== null && { dueAt: new Date(dueAt) }),
    ...(heldTo !== null && { heldTo }),
    ...(userId !== '' && { userId }),
  }
}

const KEY = `client = ${toBytes} AND webhook = ${toBytes} AND stream = ${toBytes} AND replay = ?`
const OF_WEBHOOK = `client = ${toBytes} AND webhook = ${toBytes}`
const SELECT = `SELECT ${PULL_ROW} AS row FROM pulls p WHERE`

const INSERT = `INSERT INTO pulls (client, webhook, stream, replay, user, done, up_to, since, due_at, held_to, fence,
    given, version)
  VALUES (${toBytes}, ${toBytes}, ${toBytes}, ?, ${toBytes}, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
/** The same as `offered` of the hub, in one statement. */
const OFFER = `INSERT INTO pulls (client, webhook, stream, replay, user, done, up_to, since, due_at, fence, given, version)
  VALUES (${toBytes}, ${toBytes}, ${toBytes}, ?, ${toBytes}, ?, ?, ?, ?, 0, '[]', 1)
  ON CONFLICT (stream, client, webhook, replay) DO UPDATE SET
    done = iif(due_at IS NULL, max(done, excluded.done), done),
    since = iif(due_at IS NULL, excluded.since, since),
    given = iif(due_at IS NULL, '[]', given),
    due_at = ifnull(due_at, excluded.due_at),
    up_to = excluded.up_to,
    version = version + 1
  WHERE excluded.up_to > up_to`
const UPDATE = `UPDATE pulls SET done = ?, up_to = ?, since = ?, due_at = ?, held_to = ?, fence = ?, given = ?, version = ?
  WHERE ${KEY} AND version = ?`

/** What waits for the readers of pull webhooks. */
export class Pulls {
  readonly #find
  readonly #insert
  readonly #offer
  readonly #update
  readonly #due
  readonly #waiting
  readonly #backlog
  readonly #purge

  constructor(db: Connection) {
    this.#find = prepareOne<PullRow>(db, `${SELECT} ${KEY}`)
    this.#insert = prepareWrite(db, INSERT)
    this.#offer = prepareWrite(db, OFFER)
    this.#update = prepareWrite(db, UPDATE)
    this.#due = prepareAll<PullRow>(
      db,
      `${SELECT} ${OF_WEBHOOK} AND due_at IS NOT NULL ORDER BY due_at LIMIT ?`,
    )
    const waiting = `${OF_WEBHOOK} AND due_at IS NOT NULL`
    this.#waiting = prepareAll<PullRow>(db, `${SELECT} ${waiting} AND since < ? ORDER BY since LIMIT ?`)
    this.#backlog = prepareOne<[lanes: number, oldest: number | null]>(
      db,
      `SELECT json_array(
         (SELECT count(*) FROM (SELECT 1 FROM pulls WHERE ${waiting} LIMIT ?)),
         (SELECT since FROM pulls WHERE ${waiting} ORDER BY since LIMIT 1))`,
    )
    const idle = 'SELECT rowid FROM pulls WHERE due_at IS NULL AND since < ? ORDER BY since LIMIT ?'
    this.#purge = prepareWrite(db, `DELETE FROM pulls WHERE rowid IN (${idle})`)
  }

  offer(clientId: Id, offers: readonly PullOffer[], now: Date): void {
    for (const { webhookId, streamId, replay = '', userId = null, after, upTo, at } of offers) {
      const lane = [clientId, webhookId, streamId, replay, userId] as const
      this.#offer(...lane, after, upTo, at.getTime(), now.getTime())
    }
  }

  find(clientId: Id, { webhookId, streamId, replay = '' }: PullLaneRef): PullLane | undefined {
    const row = this.#find(clientId, webhookId, streamId, replay)
    return row && toPullLane(row)
  }

  due(clientId: Id, webhookId: Id, { now, limit }: { now: Date; limit: number }): DuePulls {
    const waiting = this.#due(clientId, webhookId, limit + 1).map(toPullLane)
    const lanes = waiting.slice(0, limit).filter(({ dueAt }) => dueAt && dueAt <= now)
    const next = waiting[lanes.length]?.dueAt
    return { lanes, ...(next && next > now && { nextAt: next }) }
  }

  list(clientId: Id, webhookId: Id, { before, limit }: { before: Date; limit: number }): PullLane[] {
    return this.#waiting(clientId, webhookId, before.getTime(), limit).map(toPullLane)
  }

  /** False if there is one already. */
  insert(lane: PullLane): boolean {
    const { clientId, webhookId, streamId, replay = '', userId = null } = lane
    return this.#insert(clientId, webhookId, streamId, replay, userId, ...stateOf(lane)) > 0
  }

  /** Answers false, and writes nothing, when it is not one version ahead. */
  replace(lane: PullLane): boolean {
    const { clientId, webhookId, streamId, replay = '', version } = lane
    return this.#update(...stateOf(lane), clientId, webhookId, streamId, replay, version - 1) > 0
  }

  backlog(clientId: Id, webhookId: Id, limit: number): { lanes: number; isMore: boolean; oldest?: Date } {
    const [found, oldest] = this.#backlog(clientId, webhookId, limit + 1, clientId, webhookId) ?? [0, null]
    const counted = { lanes: Math.min(found, limit), isMore: found > limit }
    return { ...counted, ...(oldest !== null && { oldest: new Date(oldest) }) }
  }

  purge(before: Date, limit: number): number {
    return this.#purge(before.getTime(), limit)
  }
}

const stateOf = ({ done, upTo, since, dueAt, heldTo, fence, given, version }: PullLane) =>
  [
    ...([done, upTo, since.getTime(), dueAt?.getTime() ?? null, heldTo ?? null] as const),
    ...([fence, JSON.stringify(given), version] as const),
  ] as const
