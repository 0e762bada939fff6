import type { JSX } from 'preact'
import { request } from '../../api/request.js'
import type { Attempt, EntryDelivery, Hold } from '../../api/wire.js'
import { useMay } from '../../shell/session.js'
import { say } from '../../shell/toasts.js'
import { Action } from '../../ui/action.js'
import { DeliveryState } from '../../ui/state.js'
import { Ahead, durationOf, Time } from '../../ui/time.js'
import { reasonOf } from '../death-reason.js'

interface DeliveryProps {
  clientId: string
  conversationId: string
  entryId: string
  delivery: EntryDelivery
  reload(): Promise<void>
}

/** Waits for an earlier message. What that one fails at stands there. */
const isBehind = ({ held }: EntryDelivery): boolean => held?.by === 'lane'

/** Whether it needs somebody's attention, so that all about it is shown at once. */
export const isTrouble = (delivery: EntryDelivery): boolean =>
  delivery.state === 'dead' || (delivery.state === 'retrying' && !isBehind(delivery))

/** One target of a message: whether it has it, and if not, why and what happens next. */
export function Delivery(props: DeliveryProps): JSX.Element {
  const { target, attempts, held, reason } = props.delivery
  const { state, error, nextAttemptAt } = isBehind(props.delivery)
    ? { state: 'pending', error: undefined, nextAttemptAt: undefined }
    : props.delivery
  const last = attempts.at(-1)
  const hasMore = attempts.length > 0 || held !== undefined || reason !== undefined || error !== undefined
  const line = (
    <>
      <DeliveryState state={state} />
      <span>{target.label}</span>
      {state === 'delivered' && last && <span class="quiet">{durationOf(last.durationMs)}</span>}
      {held && <span class="held">{HOLDS[held.by] ?? 'is held back'}</span>}
      {nextAttemptAt !== undefined && (
        <span class="quiet">
          next attempt <Ahead at={nextAttemptAt} />
        </span>
      )}
    </>
  )
  if (!hasMore)
    return (
      <div class="delivery line-only">
        <div class="line">{line}</div>
      </div>
    )
  return (
    <details class="delivery" open={isTrouble(props.delivery)}>
      <summary>{line}</summary>
      <div class="stack tight">
        {reason !== undefined && <p>{reasonOf(reason)}</p>}
        {error !== undefined && attempts.length === 0 && <p>{error}</p>}
        {held && <Held held={held} />}
        <Attempts attempts={attempts} />
        {state === 'dead' && <DeadActions {...props} />}
      </div>
    </details>
  )
}

/** In few words; the reason says more. */
const HOLDS: Readonly<Record<string, string>> = {
  lane: 'waits for an earlier message',
  circuit: 'waits until the target answers again',
  pause: 'is paused',
  window: 'waits until the person writes again',
  lease: 'waits for another process',
  backlog: 'waits for its turn',
}

function Held({ held }: { held: Hold }): JSX.Element {
  return (
    <p>
      {sentenceOf(held.reason)}
      {held.since !== undefined && (
        <>
          {' '}
          Since <Time at={held.since} />.
        </>
      )}
      {held.until !== undefined && (
        <>
          {' '}
          Until <Time at={held.until} />.
        </>
      )}{' '}
      {held.entryId !== undefined && <a href={`#e-${held.entryId}`}>Go to the message that is waited for</a>}
    </p>
  )
}

const sentenceOf = (reason: string): string => `${reason.slice(0, 1).toUpperCase()}${reason.slice(1)}.`

function Attempts({ attempts }: { attempts: readonly Attempt[] }): JSX.Element | null {
  if (attempts.length === 0) return null
  return (
    <ol class="stack tight" aria-label="Attempts">
      {attempts.map((attempt) => (
        <li key={attempt.at} class="small">
          <Time at={attempt.at} /> <span class="quiet">took {durationOf(attempt.durationMs)}</span>{' '}
          {wordsOf(attempt)}
          {attempt.response !== undefined && attempt.response !== '' && <pre>{attempt.response}</pre>}
        </li>
      ))}
    </ol>
  )
}

/** The error often begins with the status. */
function wordsOf({ status, error, outcome }: Attempt): string {
  const words = error ?? outcome
  return status === undefined || words.includes(String(status)) ? words : `${status} ${words}`
}

function DeadActions({ clientId, entryId, delivery, reload }: DeliveryProps): JSX.Element | null {
  const may = useMay('operator')
  if (!may) return null
  const items = [{ entryId, targetId: delivery.target.id }]
  const act = (what: 'replay' | 'discard', done: string) => async () => {
    await request('POST', `clients/${encodeURIComponent(clientId)}/deliveries/${what}`, { body: { items } })
    say(done)
    await reload()
  }
  return (
    <div class="cluster">
      <Action class="slim primary" icon="retry" run={act('replay', 'It is delivered again.')}>
        Replay
      </Action>
      <Action class="slim" icon="bin" run={act('discard', 'It is discarded.')}>
        Discard
      </Action>
    </div>
  )
}
