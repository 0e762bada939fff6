import type { JSX } from 'preact'
import type { Integration } from '../../api/wire.js'
import { State } from '../../ui/state.js'

/** Whether a channel of a client works, in a word. */
export function IntegrationState({ integration }: { integration: Integration }): JSX.Element {
  const { status, reason, listening, consecutiveFailures, paused } = integration
  if (status === 'paused') return <State tone="bad">Credentials refused</State>
  if (paused)
    return (
      <State tone="warn" icon="pause">
        Paused
      </State>
    )
  if (status === 'pending')
    return reason === undefined ? (
      <State tone="none" icon="wait">
        Being set up
      </State>
    ) : (
      <State tone="warn">Not set up</State>
    )
  if (listening?.state === 'failing' || consecutiveFailures > 0) return <State tone="bad">Failing</State>
  if (listening && listening.state !== 'connected')
    return (
      <State tone="none" icon="wait">
        Connecting
      </State>
    )
  return <State tone="ok">Working</State>
}
