import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { ApiError, request } from '../../api/request.js'
import type { DeliveryItem, Job } from '../../api/wire.js'
import { say, sayFailure } from '../../shell/toasts.js'
import { Action } from '../../ui/action.js'
import { Confirm } from '../../ui/confirm.js'
import { counted } from '../../ui/numbers.js'
import { JobDialog } from './job-dialog.js'

/** Maximum items per request of the API. */
const MAX_AT_ONCE = 100

interface Dealt {
  done: number
  refused: { code: string; message: string }[]
}

interface BulkProps {
  /** Path of the client. */
  base: string
  filter: Readonly<Record<string, string>>
  /** What the target of the filter is called. */
  target: string | undefined
  chosen: readonly DeliveryItem[]
  /** After something was done, to all that match or to those that were chosen. */
  done(isAll: boolean): void
}

/** Replays or discards those that are chosen, or all that match. */
export function BulkToolbar({ base, filter, target, chosen, done }: BulkProps): JSX.Element {
  const [dialog, setDialog] = useState<'discard' | Job['action'] | 'none' | 'discard-chosen'>('none')
  // The list has the newest first, and people get the oldest first.
  const items = [...chosen]
    .sort((a, b) => a.at.localeCompare(b.at))
    .map(({ entryId, target }) => ({ entryId, targetId: target.id }))
  const close = () => setDialog('none')
  async function act(what: 'replay' | 'discard'): Promise<void> {
    let count = 0
    const refused: Dealt['refused'] = []
    try {
      for (let from = 0; from < items.length; from += MAX_AT_ONCE) {
        const body = { items: items.slice(from, from + MAX_AT_ONCE) }
        const dealt = await request<Dealt>('POST', `${base}/deliveries/${what}`, { body })
        count += dealt.done
        refused.push(...dealt.refused)
      }
    } catch (error) {
      if (count > 0) done(true)
      throw error
    }
    if (count > 0)
      say(
        `${counted(count, 'delivery is', 'deliveries are')} ${what === 'replay' ? 'delivered again' : 'discarded'}.`,
      )
    const [first] = refused
    if (first)
      sayFailure(
        new ApiError(0, first.code, `${counted(refused.length, 'was', 'were')} refused: ${first.message}`),
      )
    done(refused.length > 0)
  }
  const number = counted(items.length, 'delivery', 'deliveries')
  return (
    <section class="toolbar" aria-label="Act on deliveries">
      {items.length > 0 ? (
        <>
          <strong class="number">{number} chosen</strong>
          <span class="grow" />
          <Action class="primary" icon="retry" run={() => act('replay')}>
            Replay
          </Action>
          <button type="button" class="button danger" onClick={() => setDialog('discard-chosen')}>
            Discard
          </button>
        </>
      ) : (
        <>
          <span class="quiet grow wide-only">
            Choose some, or act on everything that matches the filters.
          </span>
          <button type="button" class="button primary" onClick={() => setDialog('replay')}>
            Replay all
          </button>
          <button type="button" class="button danger" onClick={() => setDialog('discard')}>
            Discard all
          </button>
        </>
      )}
      {dialog === 'discard-chosen' && (
        <Confirm
          title={`Discard ${number}`}
          action="Discard"
          isDangerous
          close={close}
          run={() => act('discard')}
        >
          <p>Nobody gets them, and they cannot be replayed later.</p>
        </Confirm>
      )}
      {(dialog === 'replay' || dialog === 'discard') && (
        <JobDialog
          base={base}
          action={dialog}
          filter={filter}
          target={target}
          close={close}
          started={() => done(true)}
        />
      )}
    </section>
  )
}
