import { type Failure, failureKinds, truncate } from '@plugboard/core'
import { GivenUp } from './call-timeout.js'
import type { Runtime } from './channels.js'

/** Maximum length of a stored failure message, in UTF-16 units. */
const MAX_MESSAGE = 500

/**
 * Classifies an error of a channel call. If the channel cannot be loaded, or its `classify` fails or returns no failure,
 * the failure is temporary.
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

const CODE = /^[\w.:-]{1,64}$/

/** The provider's code of a failure, if it is in the form of one. */
export const codeOf = (failure: Failure | undefined): { code?: string } =>
  typeof failure?.code === 'string' && CODE.test(failure.code) ? { code: failure.code } : {}

/** Validates the result, because a channel may be built with other types, or without types. */
function checked(failure: Failure): Failure | undefined {
  if (!failureKinds.includes(failure.kind) || typeof failure.message !== 'string') return undefined
  const { code: _, ...known } = failure
  const { message } = failure
  return {
    ...known,
    ...codeOf(failure),
    message: message.length > MAX_MESSAGE ? `${truncate(message, MAX_MESSAGE)}…` : message,
  }
}
