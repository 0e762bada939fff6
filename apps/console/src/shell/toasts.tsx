import type { JSX } from 'preact'
import { asApiError } from '../api/query.js'
import { visits } from '../route/location.js'
import { Store, useStore } from '../store.js'
import { Icon } from '../ui/icon.js'
import { RequestId } from '../ui/request-id.js'

interface Toast {
  id: number
  text: string
  isBad: boolean
  requestId?: string | undefined
}

const toasts = new Store<readonly Toast[]>([])
let last = 0

/** How long it stays, in milliseconds. A failure stays until it is closed, or until another page is opened. */
const SHOWN_MS = 5_000

function add(toast: Omit<Toast, 'id'>): void {
  last += 1
  const id = last
  toasts.set([...toasts.get().slice(-3), { ...toast, id }])
  if (!toast.isBad) setTimeout(() => remove(id), SHOWN_MS)
}

const remove = (id: number): void => toasts.set(toasts.get().filter((toast) => toast.id !== id))

visits.follow(() => toasts.set(toasts.get().filter(({ isBad }) => !isBad)))

/** Says that something was done. */
export const say = (text: string): void => add({ text, isBad: false })

/** Says in words what failed. */
export function sayFailure(error: unknown): void {
  const { message, requestId } = asApiError(error)
  add({ text: message, isBad: true, requestId })
}

export function Toasts(): JSX.Element {
  const shown = useStore(toasts)
  return (
    <section class="toasts" aria-live="polite" aria-label="Notices">
      {shown.map(({ id, text, isBad, requestId }) => (
        <div key={id} class={isBad ? 'toast bad' : 'toast'}>
          <Icon name={isBad ? 'cross' : 'check'} />
          <div class="grow">
            <p>{text}</p>
            <RequestId id={requestId} />
          </div>
          <button
            type="button"
            class="button plain square slim"
            aria-label="Close"
            onClick={() => remove(id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </section>
  )
}
