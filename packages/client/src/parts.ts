import { PlugboardApiError } from './errors.js'
import { type Attempt, type Failure, type FetchFunction, networkMessage, statusFailure } from './exchange.js'

/** A request whose body comes in parts. */
export interface PartsAttempt extends Attempt {
  /** Time limit of each part after the first one, in milliseconds. `timeoutMs` is that of the first one. */
  silenceMs: number
}

/**
 * Performs one request and yields its body as it comes.
 * @throws PlugboardApiError, or the reason of the caller's signal
 */
export async function* parts(
  send: FetchFunction,
  { url, init, timeoutMs, silenceMs, signal }: PartsAttempt,
  failure: Failure,
): AsyncGenerator<Uint8Array, void, void> {
  signal?.throwIfAborted()
  const limit = new AbortController()
  const stop = () => limit.abort()
  let lateAfterMs: number | undefined
  const within = (ms: number) =>
    setTimeout(() => {
      lateAfterMs = ms
      stop()
    }, ms)
  let timer = within(timeoutMs)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const response = await send(url, { ...init, signal: limit.signal })
    if (!response.ok) throw statusFailure({ response, text: await response.text() }, failure)
    const reader = response.body?.getReader()
    for (;;) {
      const part = await reader?.read()
      clearTimeout(timer)
      if (!part || part.done) return
      yield part.value
      timer = within(silenceMs)
    }
  } catch (cause) {
    signal?.throwIfAborted()
    if (cause instanceof PlugboardApiError) throw cause
    const isLate = lateAfterMs !== undefined
    const message = isLate ? `nothing came within ${lateAfterMs} ms` : `no answer: ${networkMessage(cause)}`
    throw failure({ reason: isLate ? 'timeout' : 'network', status: 0, message, cause })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
    stop()
  }
}
