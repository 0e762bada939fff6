import { type Failure, failureKinds, truncate } from '@plugboard/core'
import type { Runtime } from './channels.js'
import { GivenUp } from './timeout.js'

/** Longest message of a failure that is kept, in UTF-16 units. */
const MAX_MESSAGE = 500

/**
 * What an error of a channel's call means. One that cannot be loaded, or whose `classify` fails or gives no failure, is a
 * fault that passes.
 */
export function classify(runtime: Runtime | undefined, error: unknown): Failure {
  if (error instanceof GivenUp) return { kind: 'ambiguous', message: 'the channel timed out' }
  if (!runtime) return { kind: 'transient', message: 'cannot load the channel' }
  try {
    return checked(runtime.classify(error)) ?? UNKNOWN
  } catch {
    return UNKNOWN
  }
}

const UNKNOWN: Failure = {
  kind: 'ambiguous',
  message: 'the channel threw an unknown error',
}

/** A channel may have been built against other types, or none. */
function checked(failure: Failure): Failure | undefined {
  if (!failureKinds.includes(failure.kind) || typeof failure.message !== 'string') return undefined
  return failure.message.length > MAX_MESSAGE
    ? { ...failure, message: `${truncate(failure.message, MAX_MESSAGE)}…` }
    : failure
}
