import type { Failure } from '@plugboard/core'

/** Only an aborted delivery can fail, and is repeated. */
export const classify = (): Failure => ({ kind: 'transient', message: 'the delivery was aborted' })
