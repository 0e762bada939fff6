import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { request } from '../../api/request.js'
import { say } from '../../shell/toasts.js'
import { TextField } from '../../ui/fields.js'
import { Failure } from '../../ui/notice.js'
import { useSubmit } from '../../ui/use-submit.js'

/** Changes the own password and ends all other sessions. */
export function ChangePassword({ changed }: { changed(): Promise<void> }): JSX.Element {
  const [current, setCurrent] = useState('')
  const [password, setPassword] = useState('')
  const { error, isSending, onSubmit } = useSubmit(async () => {
    await request('PUT', 'session/password', { body: { current, password } })
    say('The password is changed. All other sessions have ended.')
    setCurrent('')
    setPassword('')
    await changed()
  })
  return (
    <section class="card" aria-labelledby="password-title">
      <h2 id="password-title">Password</h2>
      <form class="form" onSubmit={onSubmit}>
        <TextField
          label="Current password"
          type="password"
          autocomplete="current-password"
          value={current}
          change={setCurrent}
          isRequired
        />
        <TextField
          label="New password"
          type="password"
          autocomplete="new-password"
          hint="At least 12 characters. All other sessions end."
          value={password}
          change={setPassword}
          isRequired
        />
        {error && <Failure error={error} />}
        <div class="cluster">
          <button type="submit" class="button primary" disabled={isSending}>
            Change the password
          </button>
        </div>
      </form>
    </section>
  )
}
