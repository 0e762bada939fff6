import { useState } from 'preact/hooks'
import { asApiError } from '../api/query.js'
import type { ApiError } from '../api/request.js'

/** What a form does when it is submitted, and what came of it. */
export interface Submit {
  /** Of the newest request, if it failed. */
  error: ApiError | undefined
  /** A request is in progress. Disable the submit button, so that the form is sent once. */
  isSending: boolean
  onSubmit(event: Event): void
}

/** Sends a form with `send`, and keeps what failed for the form to show. */
export function useSubmit(send: () => Promise<unknown>): Submit {
  const [error, setError] = useState<ApiError>()
  const [isSending, setIsSending] = useState(false)
  async function submit(form: HTMLFormElement | undefined): Promise<void> {
    setIsSending(true)
    setError(undefined)
    try {
      await send()
    } catch (thrown) {
      setError(asApiError(thrown))
      // After the faults are drawn.
      requestAnimationFrame(() => form?.querySelector<HTMLElement>('[aria-invalid]')?.focus())
    } finally {
      setIsSending(false)
    }
  }
  return {
    error,
    isSending,
    onSubmit(event) {
      event.preventDefault()
      void submit(event.currentTarget instanceof HTMLFormElement ? event.currentTarget : undefined)
    },
  }
}
