import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { ApiError, request } from '../../api/request.js'
import type { Integration } from '../../api/wire.js'
import { at, go } from '../../route/location.js'
import { useMay } from '../../shell/session.js'
import { say, sayFailure } from '../../shell/toasts.js'
import { Action } from '../../ui/action.js'
import { Confirm } from '../../ui/confirm.js'

interface CheckResult {
  ok: boolean
  failure?: { kind: string; message: string; field?: string }
  durationMs: number
}

/** What is done with a channel of a client beside its configuration. */
export function IntegrationActions({
  clientId,
  path,
  integration,
  reload,
}: {
  clientId: string
  path: string
  integration: Integration
  reload(): Promise<void>
}): JSX.Element | null {
  const may = useMay('operator')
  const mayRemove = useMay('admin')
  const [isRemoving, setIsRemoving] = useState(false)
  if (!may) return null
  async function check(): Promise<void> {
    const { ok, failure, durationMs } = await request<CheckResult>('POST', `${path}/check`, { body: {} })
    if (ok) say(`The provider accepts the credentials (${durationMs} ms).`)
    else
      sayFailure(new ApiError(0, 'CHECK', `The provider refused: ${failure?.message ?? 'no reason given'}`))
    await reload()
  }
  return (
    <>
      <Action icon="check" run={check}>
        Check
      </Action>
      <Action
        icon="retry"
        run={async () => {
          await request('POST', `${path}/provision`, { body: {} })
          say('The provider is being set up again.')
          await reload()
        }}
      >
        Set up again
      </Action>
      <Action
        icon={integration.paused ? 'play' : 'pause'}
        run={async () => {
          await request('PATCH', path, { body: { paused: !integration.paused } })
          say(
            integration.paused
              ? 'Deliveries go on.'
              : 'Deliveries wait until you resume. Messages of people still come in.',
          )
          await reload()
        }}
      >
        {integration.paused ? 'Resume' : 'Pause'}
      </Action>
      {mayRemove && (
        <button type="button" class="button danger" onClick={() => setIsRemoving(true)}>
          Remove
        </button>
      )}
      {isRemoving && (
        <Confirm
          title={`Remove ${integration.name}`}
          action="Remove"
          isDangerous
          typed={integration.name}
          close={() => setIsRemoving(false)}
          run={async () => {
            await request('DELETE', path)
            say(`${integration.name} is removed.`)
            go(at('clients', clientId, 'channels'))
          }}
        >
          <p>People can no longer write on it. Its conversations stay, and go on once it is added again.</p>
        </Confirm>
      )}
    </>
  )
}
