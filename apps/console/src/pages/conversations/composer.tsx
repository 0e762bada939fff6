import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { asApiError } from '../../api/query.js'
import { type ApiError, request } from '../../api/request.js'
import { TextField } from '../../ui/fields.js'
import { Icon } from '../../ui/icon.js'
import { Failure } from '../../ui/notice.js'

/** Sends a message as the business. */
export function Composer({ path, sent }: { path: string; sent(): Promise<void> }): JSX.Element {
  const [text, setText] = useState('')
  const [error, setError] = useState<ApiError>()
  const [isSending, setIsSending] = useState(false)
  async function send(event: Event): Promise<void> {
    event.preventDefault()
    if (text.trim() === '' || isSending) return
    setIsSending(true)
    setError(undefined)
    try {
      await request('POST', `${path}/messages`, { body: { text } })
      setText('')
      await sent()
      window.scrollTo(0, document.documentElement.scrollHeight)
    } catch (thrown) {
      setError(asApiError(thrown))
    } finally {
      setIsSending(false)
    }
  }
  return (
    <section class="composer stack tight" aria-label="Send a message">
      {error && <Failure error={error} />}
      <form onSubmit={(event) => void send(event)}>
        <TextField label="Message as the business" lines={1} value={text} change={setText} />
        <button type="submit" class="button primary" disabled={isSending || text.trim() === ''}>
          <Icon name="send" /> Send
        </button>
      </form>
    </section>
  )
}
