import type { JSX } from 'preact'
import { say } from '../shell/toasts.js'
import { Icon } from './icon.js'
import { short } from './short.js'

/** Puts a text on the clipboard, also on pages that are not secure. */
export async function copy(text: string, what = 'Copied'): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    const field = document.createElement('textarea')
    field.value = text
    ;(document.querySelector('dialog[open]') ?? document.body).append(field)
    field.select()
    document.execCommand('copy')
    field.remove()
  }
  say(what)
}

/** An id that is copied whole when it is pressed. `shown`: what is shown of it. */
export function CopyId({ id, shown = short(id) }: { id: string; shown?: string }): JSX.Element {
  return (
    <button
      type="button"
      class="id above"
      title={`Copy ${id}`}
      onClick={() => void copy(id, 'The id is copied.')}
    >
      <span class="visually-hidden">Copy the id </span>
      <span class="cut">{shown}</span>
      <Icon name="copy" />
    </button>
  )
}
