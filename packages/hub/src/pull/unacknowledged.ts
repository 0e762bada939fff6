import type { Id } from '@plugboard/core'
import type { Directory, OpenWebhook } from '../clients/directory.js'
import type { EventQueues } from '../clients/event-queues.js'
import { isFeed } from '../clients/feed.js'
import type { Dispatcher } from '../delivery/dispatcher.js'
import { deadlineOf } from '../delivery/retry.js'
import type { TargetOfClient } from '../delivery/targets/target-monitor.js'
import type { WebhookFormat } from '../delivery/to-webhooks/webhook-format.js'
import type { Dead, Entry } from '../log/entry.js'
import { attemptsOf, type PullLane } from '../log/pull-lane.js'
import { nameOf, webhookTarget } from '../log/target.js'
import type { Store } from '../ports/store.js'
import { deadlineFor } from './deadline.js'
import { BURY_MS, isForReaders, MAX_PER_LANE, NOT_ACKNOWLEDGED, type PullLanes } from './lane-entries.js'
import { given } from './lane-rules.js'
import { unreadLanes } from './unread.js'

export interface PullSweepOptions {
  store: Store
  lanes: PullLanes
  queues: EventQueues
  directory: Pick<Directory, 'find'>
  formats: ReadonlyMap<string, WebhookFormat>
  dispatcher: Pick<Dispatcher, 'startedAt'>
  /** How long the items of a feed are kept, in milliseconds. */
  keepMs: number
  /** Called for a webhook of which something has waited for its readers for `UNREAD_MS`. */
  unread?(target: TargetOfClient): Promise<void>
  now(): Date
}

/** Lanes or items of one page. */
const PAGE = 100
const DAY_MS = 24 * 60 * 60 * 1000
/** A webhook younger than this may not be in the record of its client yet. */
const UNSURE_MS = 60 * 60 * 1000
const FAR = '9999-12-31T00:00:00.000Z'

/** Housekeeping of what waits for readers. */
export class PullSweep {
  readonly #options: PullSweepOptions

  constructor(options: PullSweepOptions) {
    this.#options = options
  }

  /** Makes dead letters of what no reader acknowledged before its deadline, and removes what is no longer needed. */
  async run(mayGoOn: () => boolean = () => true): Promise<void> {
    const { store, queues, directory, keepMs, now } = this.#options
    for await (const { id, data } of queues.walk()) {
      if (!mayGoOn()) return
      const client = await directory.find({ id: data.clientId })
      const webhook = client?.webhooks.find((hook) => hook.id === id)
      if (webhook && isFeed(webhook)) {
        const before = new Date(now().getTime() - keepMs)
        while (mayGoOn() && (await store.purgeQueue(data.clientId, id, before, PAGE)) === PAGE);
      } else if (webhook) {
        await this.#buryOverdue(data.clientId, webhook, mayGoOn)
        if ((await unreadLanes(store, data.clientId, webhook.id, now())).length > 0)
          await this.#options.unread?.({ clientId: data.clientId, targetId: webhook.id })
      } else if (Date.parse(data.at) < now().getTime() - UNSURE_MS) {
        if (!client || (await this.#retire(data.clientId, id, mayGoOn))) await queues.remove(id)
      }
    }
    const before = new Date(now().getTime() - DAY_MS)
    while (mayGoOn() && (await store.purgePulls(before, PAGE)) === PAGE);
  }

  async #buryOverdue(clientId: Id, webhook: OpenWebhook, mayGoOn: () => boolean): Promise<void> {
    const { store, formats, dispatcher, now } = this.#options
    const format = formats.get(webhook.format)
    if (!format) return
    const { schedule, pullDeadlineMs } = format
    const totalMs = pullDeadlineMs ?? deadlineOf(schedule, new Date(0)).getTime()
    const before = new Date(now().getTime() - totalMs)
    // Deadlines do not count from before the start.
    if (dispatcher.startedAt > before) return
    for (;;) {
      const lanes = await store.listPulls(clientId, webhook.id, { before, limit: PAGE })
      let buried = 0
      for (const lane of lanes) {
        if (!mayGoOn()) return
        buried += await this.#buryOf(
          lane,
          webhook.url,
          'exhausted',
          (entry) => deadlineFor(format, lane, entry, dispatcher.startedAt) <= now(),
        )
      }
      if (lanes.length < PAGE || buried === 0) return
    }
  }

  /** The webhook was removed. True if nothing of it waits any more. */
  async #retire(clientId: Id, webhookId: Id, mayGoOn: () => boolean): Promise<boolean> {
    const { store } = this.#options
    for (;;) {
      const lanes = await store.listPulls(clientId, webhookId, { before: new Date(FAR), limit: PAGE })
      let changed = 0
      for (const lane of lanes) {
        if (!mayGoOn()) return false
        changed += await this.#buryOf(lane, nameOf(webhookTarget(webhookId)), 'target-removed', () => true)
      }
      if (lanes.length === 0) return true
      if (changed === 0) return false
    }
  }

  /** Buries the first entries of a lane as long as the condition holds, unless a reader has it. Returns how many it passed. */
  async #buryOf(
    lane: PullLane,
    label: string,
    reason: Dead['reason'],
    isOver: (entry: Entry) => boolean,
  ): Promise<number> {
    const { store, lanes } = this.#options
    const now = this.#options.now()
    if (lane.dueAt && lane.dueAt > now && lane.heldTo !== undefined) return 0
    const entries = await lanes.entriesOf(lane, MAX_PER_LANE)
    const kept = entries.findIndex((entry) => isForReaders(lane, entry) && !isOver(entry))
    const passing = kept < 0 ? entries : entries.slice(0, kept)
    const isPurged = entries.length === 0 && (await lanes.isPurged(lane))
    const last = isPurged ? lane.upTo : passing.at(-1)?.seq
    if (last === undefined) return 0
    const next = entries[kept]
    const deaths = passing
      .filter((entry) => isForReaders(lane, entry))
      .map((entry) => ({
        ...{ entry, reason, error: NOT_ACKNOWLEDGED },
        attempts: attemptsOf(lane.given, entry.seq),
      }))
    const until = new Date(now.getTime() + BURY_MS)
    const held = given(lane, { after: lane.done, last: lane.done, until, since: next?.at ?? lane.since })
    const [isWritten] = await store.replacePulls([held])
    if (!isWritten) return 0
    await lanes.bury({ ...held, heldTo: last }, label, deaths, last)
    return passing.length + 1
  }
}
