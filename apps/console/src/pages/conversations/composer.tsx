import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { asApiError } from '../../api/query.js'
import { type ApiError, request } from '../../api/request.js'
import { TextField } from '../../ui/fields.js'
import { Icon } from '../../ui/icon.js'
import { Failure } from '../../ui/notice.js'

/** Not `randomUUID`, which browsers have on https alone. */
const newKey = (): string => Array.from(crypto.getRandomValues(new Uint32Array(4)), String).join('-')

/** Sends a message as the business. */
export function Composer({ path, sent }: { path: string; sent(): Promise<void> }): JSX.Element {
  const [text, setText] = useState('')
  const [error, setError] = useState<ApiError>()
  const [isSending, setIsSending] = useState(false)
  // Of what was sent last. When no answer came, it may be there already, and must not be sent twice.
  const last = useRef<{ text: string; path: string; key: string } | undefined>(undefined)
  async function send(event: Event): Promise<void> {
    event.preventDefault()
    if (text.trim() === '' || isSending) return
    setIsSending(true)
    setError(undefined)
    if (last.current?.text !== text || last.current.path !== path)
      last.current = { text, path, key: newKey() }
    try {
      await request('POST', `${path}/messages`, { body: { text }, key: last.current.key })
      last.current = undefined
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
