import type { Failure } from '@plugboard/core'
import type { Runtime } from '../channels.js'
import { GivenUp } from './in-time.js'

/** What an error of a channel's call means. One that cannot be loaded, or whose `classify` fails, is a fault that passes. */
export function classify(runtime: Runtime | undefined, error: unknown): Failure {
  if (error instanceof GivenUp) return { kind: 'ambiguous', message: 'the channel did not end in time' }
  try {
    return runtime?.classify(error) ?? { kind: 'transient', message: 'the channel could not be loaded' }
  } catch {
    return { kind: 'ambiguous', message: 'the channel failed in a way that it does not know' }
  }
}
