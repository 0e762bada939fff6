import { deadlineOf, scheduledFrom } from '../delivery/retry.js'
import type { WebhookFormat } from '../delivery/to-webhooks/webhook-format.js'
import type { Entry } from '../log/entry.js'
import type { PullLane } from '../log/pull-lane.js'

/** Of a replay: when it began. */
const replayedAt = (lane: PullLane): Date | undefined => (lane.replay === undefined ? undefined : lane.since)

export const sinceOf = (lane: PullLane, entry: Entry): Date => replayedAt(lane) ?? entry.at

/** When an entry that no reader has acknowledged is given up. */
export function deadlineFor(
  { schedule, pullDeadlineMs }: Pick<WebhookFormat, 'schedule' | 'pullDeadlineMs'>,
  lane: PullLane,
  entry: Entry,
  startedAt: Date,
): Date {
  const delaysMs = pullDeadlineMs === undefined ? schedule.delaysMs : [pullDeadlineMs]
  return deadlineOf({ delaysMs }, scheduledFrom(entry, replayedAt(lane), startedAt))
}
