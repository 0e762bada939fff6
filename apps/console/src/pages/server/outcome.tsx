import type { JSX } from 'preact'
import type { AuditEntry } from '../../api/wire.js'
import { State } from '../../ui/state.js'

/** What became of a change. */
export function Outcome({ outcome }: { outcome: AuditEntry['outcome'] }): JSX.Element {
  if (outcome === 'done') return <State tone="ok">Done</State>
  if (outcome === 'started')
    return (
      <State tone="none" icon="wait">
        Started
      </State>
    )
  if (outcome === 'refused') return <State tone="warn">Refused</State>
  return <State tone="bad">Failed</State>
}
