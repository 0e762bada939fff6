import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { asApiError } from '../../api/query.js'
import { type ApiError, request } from '../../api/request.js'
import type { Job } from '../../api/wire.js'
import { say } from '../../shell/toasts.js'
import { Confirm } from '../../ui/confirm.js'
import { Dialog } from '../../ui/dialog.js'
import { TextField } from '../../ui/fields.js'
import { Failure, Loading } from '../../ui/notice.js'
import { counted } from '../../ui/numbers.js'
import { exactTime } from '../../ui/time.js'
import { reasonOf } from '../death-reason.js'
import { jobsChanged } from './jobs.js'

/** Deliveries per second, unless somebody enters another number. */
const PACE = 50

/** Says how many a job concerns before it is started. */
export function JobDialog({
  base,
  action,
  filter,
  target,
  close,
  started,
}: {
  base: string
  action: Job['action']
  filter: Readonly<Record<string, string>>
  /** What the target of the filter is called. */
  target: string | undefined
  close(): void
  started(): void
}): JSX.Element {
  const [pace, setPace] = useState(String(PACE))
  const [trial, setTrial] = useState<{ count: number; isMore: boolean }>()
  const [error, setError] = useState<ApiError>()
  const verb = action === 'replay' ? 'Replay' : 'Discard'
  useEffect(() => {
    request<{ count: number; isMore: boolean }>('POST', `${base}/jobs`, {
      body: { action, filter, dryRun: true },
    }).then(setTrial, (thrown: unknown) => setError(asApiError(thrown)))
  }, [base, action, filter])
  if (error || !trial) {
    return (
      <Dialog title={`${verb} all that match`} close={close}>
        {error ? <Failure error={error} /> : <Loading />}
        <div class="actions">
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
        </div>
      </Dialog>
    )
  }
  const number = `${trial.isMore ? 'at least ' : ''}${counted(trial.count, 'delivery', 'deliveries')}`
  async function start(): Promise<void> {
    await request('POST', `${base}/jobs`, { body: { action, filter, perSecond: Number(pace) || PACE } })
    say('The job has begun.')
    jobsChanged()
    started()
    // Its progress is above the list.
    window.scrollTo(0, 0)
  }
  return (
    <Confirm
      title={`${verb} ${number}`}
      action={`${verb} ${number}`}
      isDangerous={action === 'discard'}
      close={close}
      run={start}
    >
      <p>
        {action === 'replay'
          ? 'Each conversation gets its messages in their order. The job goes on if this page is closed or the server restarts, and can be stopped.'
          : 'Nobody gets them, and they cannot be replayed later.'}
      </p>
      <Filter filter={filter} target={target} />
      <TextField
        label="Per second"
        type="number"
        hint="So that the target is not overrun."
        value={pace}
        change={setPace}
      />
    </Confirm>
  )
}

function Filter({
  filter,
  target,
}: {
  filter: Readonly<Record<string, string>>
  target: string | undefined
}): JSX.Element {
  const entries = Object.entries(filter)
  if (entries.length === 0) return <p class="quiet">No filter is set: this is everything of the client.</p>
  return (
    <dl class="facts small">
      {entries.map(([name, value]) => (
        <>
          <dt key={name}>{LABELS[name] ?? name}</dt>
          <dd>{wordsOf(name, value, target)}</dd>
        </>
      ))}
    </dl>
  )
}

const LABELS: Readonly<Record<string, string>> = {
  target: 'Target',
  reason: 'Reason',
  since: 'Since',
  until: 'Until',
}

/** A filter in words. */
function wordsOf(name: string, value: string, target: string | undefined): string | undefined {
  if (name === 'target') return target ?? value
  if (name === 'reason') return reasonOf(value)
  return name === 'since' || name === 'until' ? exactTime(value) : value
}
