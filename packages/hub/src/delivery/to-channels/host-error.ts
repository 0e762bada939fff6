import type { Failure } from '@plugboard/core'

/** An error that the channel cannot classify, because it is none of its provider. */
export class HostError extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}
