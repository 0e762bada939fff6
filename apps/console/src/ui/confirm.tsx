import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Dialog } from './dialog.js'
import { TextField } from './fields.js'
import { Failure } from './notice.js'
import { useSubmit } from './use-submit.js'

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
  const [text, setText] = useState('')
  const { error, isSending, onSubmit } = useSubmit(async () => {
    await run()
    close()
  })
  return (
    <Dialog title={title} close={cancel}>
      <form class="stack" onSubmit={onSubmit}>
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
            disabled={isSending || (typed !== undefined && text !== typed)}
          >
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
