import type { JsonObject } from '@plugboard/core'
import { pause } from '../../channels/call-timeout.js'

/** How long typing is shown when the message names no time. */
const TYPING_MS = 1000
/** The longest that typing is shown. */
const MAX_TYPING_MS = 10_000
/** Providers show it for about five seconds, so it is repeated. */
const TYPING_AGAIN_MS = 4000

/** How long typing is shown before this message; undefined when the message does not ask for it. */
export function typingMsOf({ typing, delay }: JsonObject): number | undefined {
  if (typing !== true) return undefined
  return Math.min(typeof delay === 'number' && delay >= 0 ? delay : TYPING_MS, MAX_TYPING_MS)
}

/**
 * Shows typing for `ms` milliseconds; each `indicate` lasts some seconds. Failures are reported to `failed` and have no
 * other effect. A call that is still under way at the end is aborted, so that typing is not shown after the message.
 * False when `signal` ended the wait.
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
      const slice = Math.min(left, TYPING_AGAIN_MS)
      if (!(await pause(slice, signal))) return false
      left -= slice
    } while (left > 0)
    return true
  } finally {
    controller.abort()
  }
}
