/** How long a channel has to say how a call ended that was aborted, before it is given up. */
const LAST_WORDS_MS = 1000

/** A channel that did not heed its signal. */
export class GivenUp extends Error {}

/**
 * Does something with a signal that ends it after a time, or with `outer`. A channel that does not heed the signal is
 * given up, so that it holds nothing up. (`AbortSignal.any` would do, but leaves memory behind at an `outer` that lives
 * long.)
 */
export function withTimeout<T>(
  timeoutMs: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  return new Promise<T>((resolve, reject) => {
    let timer = setTimeout(abort, timeoutMs)
    function abort(): void {
      clearTimeout(timer)
      timer = setTimeout(() => reject(new GivenUp()), LAST_WORDS_MS)
      controller.abort(new DOMException('the attempt took too long', 'TimeoutError'))
    }
    outer.addEventListener('abort', abort)
    if (outer.aborted) abort()
    const started = async (): Promise<T> => work(controller.signal)
    // What throws at once rejects as well, so that the timer and the listener go in any case.
    started()
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(timer)
        outer.removeEventListener('abort', abort)
      })
  })
}

/** Waits so long; false when it was ended before. */
export function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  if (ms <= 0) return Promise.resolve(true)
  return new Promise((resolve) => {
    const end = (isOver: boolean): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      resolve(isOver)
    }
    const stop = (): void => end(false)
    const timer = setTimeout(() => end(true), ms)
    signal.addEventListener('abort', stop)
  })
}
