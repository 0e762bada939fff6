import { secondFormOf } from '../../log/activity.js'
import type { Dead, Entry, StreamRef } from '../../log/entry.js'
import type { Claimed } from '../../log/progress.js'
import type { Target } from '../../log/target.js'
import type { Store } from '../../ports/store.js'
import type { OutcomeReports } from '../outcome-reports.js'
import type { TargetConfig } from '../targets/target-config.js'
import type { Settlement } from './target-lane.js'

export interface SettlementHost {
  readonly store: Pick<Store, 'bury'>
  readonly reports: Pick<OutcomeReports, 'died'>
  now(): Date
  /** The credentials of this target no longer work. */
  refused(stream: Claimed, config: TargetConfig, reason: string): Promise<void>
  /** Called after the death is stored and before the progress passes the entry. */
  gaveUp(stream: StreamRef, target: Target, entry: Entry, dead: Dead): Promise<void>
}

/**
 * Stores what became of deliveries that failed for good. Deaths are stored before the mark that passes them, so that a
 * crash between the two loses nothing.
 */
export async function storeSettlement(
  host: SettlementHost,
  stream: Claimed,
  target: Target,
  settlement: Settlement,
): Promise<void> {
  if (settlement.do === 'refuse') return host.refused(stream, settlement.config, settlement.reason)
  await Promise.all(
    settlement.deaths.map(async ({ entry: delivered, error, code, ...why }) => {
      const dead: Dead = {
        ...{ ...why, at: host.now() },
        ...(error !== undefined && { error }),
        ...(code !== undefined && { code }),
      }
      const entry = buriedFor(delivered)
      await host.store.bury(stream, entry.seq, target, dead)
      host.reports.died(target, entry, dead)
      await host.gaveUp(stream, target, entry, dead)
    }),
  )
}

/** A message is not delivered if its second form is not, so the message becomes the dead letter. */
function buriedFor(entry: Entry): Entry {
  const second = secondFormOf(entry)
  return second ? { ...entry, type: 'message', id: second.messageId, seq: second.seq } : entry
}
