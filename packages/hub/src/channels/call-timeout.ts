/** How long a channel has to report how an aborted call ended. After that the call is given up. */
export const LAST_WORDS_MS = 1000

/** A channel ignored its abort signal. */
export class GivenUp extends Error {}

/**
 * Runs `work` with a signal that is aborted after `timeoutMs`, or when `outer` is. Work that ignores the signal is given
 * up {@link LAST_WORDS_MS} later, so that it blocks nothing. (Not `AbortSignal.any`: it leaks memory when `outer` lives
 * long.)
 * @throws GivenUp
 */
export async function withTimeout<T>(
  timeoutMs: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  let giveUp: () => void
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = () => reject(new GivenUp())
  })
  let timer = setTimeout(abort, timeoutMs)
  function abort(): void {
    clearTimeout(timer)
    timer = setTimeout(giveUp, LAST_WORDS_MS)
    controller.abort(new DOMException('the attempt took too long', 'TimeoutError'))
  }
  outer.addEventListener('abort', abort)
  if (outer.aborted) abort()
  try {
    return await Promise.race([work(controller.signal), givenUp])
  } finally {
    clearTimeout(timer)
    outer.removeEventListener('abort', abort)
  }
}

/** Waits for `ms` milliseconds. False when `signal` ended the wait. */
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
