import { setTimeout as sleep } from 'node:timers/promises'
import { isPlugboardError } from '@plugboard/core'

/** When to try again after a failure of the store, in milliseconds. */
export const RETRY_MS = 1_000

/** Reads again and again while the store cannot be reached. Undefined when it was aborted. */
export async function insist<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  while (!signal.aborted) {
    try {
      return await read()
    } catch (error) {
      if (!isPlugboardError(error, 'UNAVAILABLE')) throw error
      await pause(RETRY_MS, signal)
    }
  }
  return undefined
}

/** Waits, at most until it is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined)
}
