import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'

/** Everything that was declared with {@link lazy}. */
const declared: (() => Promise<unknown>)[] = []

/** Between listening and the first module, and from one to the next, so that requests come through. */
const REST_MS = 100

/**
 * Loads something once, when it is first needed, so that a start need not wait for it. A failure is not kept: the
 * next call tries again.
 */
export function lazy<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined
  const get = (): Promise<T> => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }
  return get
}

/**
 * As {@link lazy}, for a module. Node keeps an import that failed, such as for want of file descriptors, until the process
 * ends: where these may run out, {@link loadModules} is called before they do.
 */
export function lazyModule<T>(load: () => Promise<T>): () => Promise<T> {
  const get = lazy(load)
  declared.push(get)
  return get
}

/** Loads all modules that were declared, and `others`, one after the other. They take 30 MB. */
export async function loadModules(log: Logger, ...others: (() => Promise<unknown>)[]): Promise<void> {
  for (const load of [...declared, ...others]) {
    await sleep(REST_MS, undefined, { ref: false })
    await load().catch((err) => log.error({ err }, 'cannot load a module: restart the server'))
  }
}
