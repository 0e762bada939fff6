import type { JsonObject } from '@plugboard/core'
import { pause } from '../channels/timeout.js'

/** How long typing is shown where the message does not say, and at most. */
const DEFAULT_MS = 1000
const MAX_MS = 10_000
/** Providers show it for some five seconds. */
const AGAIN_MS = 4000

/** How long a message wants typing to be shown before it; undefined when it does not. */
export function typingMsOf({ typing, delay }: JsonObject): number | undefined {
  if (typing !== true) return undefined
  return Math.min(typeof delay === 'number' && delay >= 0 ? delay : DEFAULT_MS, MAX_MS)
}

/**
 * Shows typing for so long, which `indicate` does for some seconds; its failures are told and have no consequence. What
 * it has not done by then is aborted, so that it cannot come after the message. False when `signal` ended it.
 */
export async function showTyping(
  ms: number,
  signal: AbortSignal,
  indicate: ((signal: AbortSignal) => Promise<void>) | undefined,
  failed: (err: unknown) => void,
): Promise<boolean> {
  const controller = new AbortController()
  let left = ms
  try {
    do {
      indicate?.(controller.signal).catch((err) => controller.signal.aborted || failed(err))
      const slice = Math.min(left, AGAIN_MS)
      if (!(await pause(slice, signal))) return false
      left -= slice
    } while (left > 0)
    return true
  } finally {
    controller.abort()
  }
}
