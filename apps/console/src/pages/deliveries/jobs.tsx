import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useQuery } from '../../api/query.js'
import { request } from '../../api/request.js'
import type { Job } from '../../api/wire.js'
import { useMay } from '../../shell/session.js'
import { Store, useStore } from '../../store.js'
import { Action } from '../../ui/action.js'
import { counted, countOf } from '../../ui/numbers.js'
import { State } from '../../ui/state.js'
import { Time } from '../../ui/time.js'

const changes = new Store(0)

/** Shows a job that was started just now. */
export const jobsChanged = (): void => changes.set(changes.get() + 1)

const RUNNING_MS = 1_000
const IDLE_MS = 15_000
/** Ended jobs are shown for this long, in milliseconds; the audit log has them longer. */
const RECENT_MS = 3_600_000

/** Jobs that run, and those of the last hour. */
export function Jobs({ base, done }: { base: string; done(): void }): JSX.Element | null {
  const seen = useStore(changes)
  const [wasRunning, setWasRunning] = useState(false)
  const everyMs = wasRunning ? RUNNING_MS : IDLE_MS
  const { data, reload } = useQuery<{ items: Job[] }>(`${base}/jobs?limit=5`, { everyMs })
  const isRunning = data?.items.some(({ state }) => state === 'running') ?? false
  useEffect(() => {
    if (seen > 0) void reload()
  }, [seen, reload])
  useEffect(() => {
    if (wasRunning && !isRunning) done()
    setWasRunning(isRunning)
  }, [wasRunning, isRunning, done])
  const shown = (data?.items ?? []).filter(
    ({ state, createdAt }) => state !== 'done' || Date.now() - Date.parse(createdAt) < RECENT_MS,
  )
  if (shown.length === 0) return null
  return (
    <section class="stack tight" aria-label="Jobs">
      {shown.map((job) => (
        <JobCard key={job.id} base={base} job={job} reload={reload} />
      ))}
    </section>
  )
}

function JobCard({ base, job, reload }: { base: string; job: Job; reload(): Promise<void> }): JSX.Element {
  const may = useMay('operator')
  const { id, action, state, done, failed, total, isMore, waiting, createdAt, by, error } = job
  const act = (what: 'stop' | 'resume') => async () => {
    await request('POST', `${base}/jobs/${id}/${what}`, { body: {} })
    await reload()
  }
  const title = action === 'replay' ? 'Replay' : 'Discard'
  return (
    <div class="card">
      <div class="cluster apart">
        <h3 class="cluster">
          {title}
          <JobState state={state} />
        </h3>
        {may && state === 'running' && (
          <Action class="slim" icon="stop" run={act('stop')}>
            Stop
          </Action>
        )}
        {may && (state === 'stopped' || state === 'failed') && (
          <Action class="slim" icon="play" run={act('resume')}>
            Continue
          </Action>
        )}
      </div>
      <progress max={Math.max(total, 1)} value={done + failed} aria-label={`${title}: progress`} />
      <p class="small quiet number">
        {countOf(done)} of {isMore ? 'at least ' : ''}
        {countOf(total)}
        {failed > 0 && ` · ${countOf(failed)} for targets that were removed`}
        {waiting > 0 && ` · ${counted(waiting, 'conversation waits', 'conversations wait')} for its target`} ·{' '}
        {by.name} · <Time at={createdAt} />
      </p>
      {error !== undefined && <p>{error}</p>}
    </div>
  )
}

function JobState({ state }: { state: Job['state'] }): JSX.Element {
  if (state === 'running')
    return (
      <State tone="none" icon="retry">
        Running
      </State>
    )
  if (state === 'done') return <State tone="ok">Done</State>
  if (state === 'stopped')
    return (
      <State tone="warn" icon="pause">
        Stopped
      </State>
    )
  return <State tone="bad">Failed</State>
}
