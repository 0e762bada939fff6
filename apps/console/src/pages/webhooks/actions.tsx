import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { ApiError, request } from '../../api/request.js'
import type { Webhook } from '../../api/wire.js'
import { useMay } from '../../shell/session.js'
import { say, sayFailure } from '../../shell/toasts.js'
import { Action } from '../../ui/action.js'
import { Confirm } from '../../ui/confirm.js'
import { Secret } from '../../ui/secret.js'

/** Pause, test, and a new secret. */
export function WebhookActions({
  path,
  webhook: { paused },
  reload,
}: {
  path: string
  webhook: Webhook
  reload(): Promise<void>
}): JSX.Element {
  const [isRotating, setIsRotating] = useState(false)
  const [secret, setSecret] = useState<string>()
  const mayRotate = useMay('admin')
  return (
    <div class="cluster">
      <Action
        icon={paused ? 'play' : 'pause'}
        class={paused ? 'primary' : ''}
        run={async () => {
          await request('PATCH', path, { body: { paused: !paused } })
          say(paused ? 'Deliveries go on.' : 'Deliveries wait until you resume.')
          await reload()
        }}
      >
        {paused ? 'Resume' : 'Pause'}
      </Action>
      <Action
        icon="send"
        run={async () => {
          const { status, durationMs, error } = await request<TestResult>('POST', `${path}/test`, {
            body: {},
          })
          if (error === undefined)
            say(`The webhook answered ${status ?? ''} in ${Math.round(durationMs)} ms.`)
          else sayFailure(new ApiError(0, 'TEST', `The test failed: ${error}`))
          await reload()
        }}
      >
        Send a test event
      </Action>
      {mayRotate && (
        <button type="button" class="button" onClick={() => setIsRotating(true)}>
          New secret
        </button>
      )}
      {isRotating && (
        <Confirm
          title="New secret"
          action="Make a new secret"
          close={() => setIsRotating(false)}
          run={async () => {
            const answer = await request<{ secret: string }>('POST', `${path}/rotate-secret`, { body: {} })
            setSecret(answer.secret)
          }}
        >
          <p>
            For a day, each request has two signatures, one with the old secret and one with the new. Give the
            new one to the bot in this time.
          </p>
        </Confirm>
      )}
      {secret !== undefined && (
        <Secret title="The new secret" value={secret} close={() => setSecret(undefined)} />
      )}
    </div>
  )
}

interface TestResult {
  /** `delivered`, or the kind of the failure. */
  outcome: string
  durationMs: number
  status?: number
  error?: string
}
