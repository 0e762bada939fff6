import type { JSX } from 'preact'
import type { Trouble } from '../../api/wire.js'
import { Icon, type IconName } from '../../ui/icon.js'
import { counted, countedAtLeast } from '../../ui/numbers.js'
import { State, type Tone } from '../../ui/state.js'
import { Ago, Ahead } from '../../ui/time.js'
import { Fix } from './fix.js'

const ICONS: Readonly<Record<string, IconName>> = { webhook: 'webhook', client: 'client', server: 'stop' }

/** What fails: for whom, since when, why, and what helps. */
export function Troubles({ troubles }: { troubles: readonly Trouble[] }): JSX.Element {
  return (
    <section class="stack gap" aria-labelledby="troubles-title">
      <h2 id="troubles-title">What is failing</h2>
      <ul class="stack gap">
        {troubles.map((trouble) => (
          <li key={`${trouble.clientId} ${trouble.target.id} ${trouble.state}`} class="card">
            <div class="cluster apart">
              <h3 class="title-line grow">
                <Icon name={ICONS[trouble.target.kind] ?? 'channel'} />
                <span class="break">{trouble.target.label}</span>
              </h3>
              <TroubleState state={trouble.state} />
            </div>
            <p class="break">{trouble.reason}</p>
            <p class="small quiet">
              {trouble.clientId !== undefined && `${trouble.clientName ?? trouble.clientId} · `}
              for <Ago at={trouble.since} isSpan />
              {trouble.people && ` · ${countedAtLeast(trouble.people, 'person', 'people')}`}
              {trouble.deadLetters &&
                ` · ${countedAtLeast(trouble.deadLetters, 'delivery', 'deliveries')} given up`}
              {trouble.failures !== undefined &&
                ` · ${counted(trouble.failures, 'failure', 'failures')} in a row`}
              {trouble.nextAttemptAt !== undefined && (
                <>
                  {' '}
                  · next attempt <Ahead at={trouble.nextAttemptAt} />
                </>
              )}
            </p>
            <Fix trouble={trouble} />
          </li>
        ))}
      </ul>
    </section>
  )
}

const STATES: Readonly<Record<string, readonly [Tone, IconName, string]>> = {
  failing: ['bad', 'cross', 'Failing'],
  refused: ['bad', 'key', 'Credentials refused'],
  disconnected: ['bad', 'cross', 'Not connected'],
  'not-set-up': ['warn', 'warning', 'Not set up'],
  unloaded: ['bad', 'cross', 'Channel not installed'],
  gone: ['bad', 'cross', 'Gone'],
  unverified: ['bad', 'key', 'Signature wrong'],
  unread: ['bad', 'wait', 'Not read'],
  full: ['bad', 'stop', 'Storage full'],
  held: ['warn', 'pause', 'Paused'],
  'dead-letters': ['warn', 'warning', 'Given up'],
  'no-worker': ['bad', 'stop', 'Nothing is delivered'],
}

function TroubleState({ state }: { state: string }): JSX.Element {
  const [tone, icon, word] = STATES[state] ?? ['bad', 'cross', state]
  return (
    <State tone={tone} icon={icon}>
      {word}
    </State>
  )
}
