import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import { asApiError } from '../api/query.js'
import type { ApiError } from '../api/request.js'
import { Dialog } from './dialog.js'
import { TextField } from './fields.js'
import { Failure } from './notice.js'

/** Asks before something is done that somebody notices. `typed`: a word to be typed, for what cannot be undone. */
export function Confirm({
  title,
  action,
  isDangerous = false,
  typed,
  close,
  cancel = close,
  run,
  children,
}: {
  title: string
  /** What the button says. */
  action: string
  isDangerous?: boolean
  typed?: string
  /** After it was done, and when it is cancelled unless there is a `cancel`. */
  close(): void
  cancel?: () => void
  run(): Promise<unknown>
  children?: ComponentChildren
}): JSX.Element {
  const [error, setError] = useState<ApiError>()
  const [isRunning, setIsRunning] = useState(false)
  const [text, setText] = useState('')
  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    setIsRunning(true)
    setError(undefined)
    try {
      await run()
      close()
    } catch (thrown) {
      setError(asApiError(thrown))
      setIsRunning(false)
    }
  }
  return (
    <Dialog title={title} close={cancel}>
      <form class="stack" onSubmit={(event) => void submit(event)}>
        {children}
        {typed !== undefined && (
          <TextField label={`Type ${typed} to confirm`} value={text} change={setText} isFocused />
        )}
        {error && <Failure error={error} />}
        <div class="actions">
          <button type="button" class="button" onClick={cancel}>
            Cancel
          </button>
          <button
            type="submit"
            class={`button primary ${isDangerous ? 'danger' : ''}`}
            disabled={isRunning || (typed !== undefined && text !== typed)}
          >
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
