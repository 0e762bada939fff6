import type { JSX } from 'preact'
import { copy } from './copy.js'
import { Dialog } from './dialog.js'
import { Icon } from './icon.js'

/** Something that is shown once. */
export function Secret({
  title,
  value,
  close,
}: {
  title: string
  value: string
  close(): void
}): JSX.Element {
  return (
    <Dialog title={title} close={close}>
      <p>It is shown only now. Keep it where the bot finds it.</p>
      <pre>{value}</pre>
      <div class="actions">
        <button type="button" class="button" onClick={() => void copy(value)}>
          <Icon name="copy" /> Copy
        </button>
        <button type="button" class="button primary" onClick={close}>
          Done
        </button>
      </div>
    </Dialog>
  )
}
