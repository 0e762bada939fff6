import type { Id } from '@plugboard/core'
import type { EndpointRecord } from './endpoint-record.js'
import type { StreamRef } from './entry.js'
import type { Progress } from './progress.js'

/** A stream that owes something, with the progress of its deliveries. */
export interface OwingStream extends StreamRef, Progress {
  /** The user of the conversation, or of the stream. */
  userId?: Id
  /** The endpoints of the conversation. */
  endpoints: readonly EndpointRecord[]
  /** The newest number. */
  seq: number
  /** When there is something to do, or the end of the lease of a process that delivers it. */
  nextAt: Date
  /** A process delivers it now. */
  isHeld: boolean
}

/** Streams that owe something, in the order of {@link OwingStream.nextAt}. */
export interface OwingPage {
  /** The time at which the previous page ended, and how many streams of this time there were on all pages before. */
  after?: { nextAt: Date; count: number }
  /** At least 1. */
  limit: number
}
