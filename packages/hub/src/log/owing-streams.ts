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
  /**
   * When there is something to do, or the end of the lease of a process that delivers it: by the clock of the store, for
   * the order and for {@link OwingPage.after} alone.
   */
  nextAt: Date
  /** A process delivers it now. */
  isHeld: boolean
}

/** Where a stream stands among those that owe something. */
export type OwingPlace = Pick<OwingStream, 'nextAt' | 'streamId'>

/** Streams that owe something, in the order of {@link OwingStream.nextAt}, those of one time in an order of the store's. */
export interface OwingPage {
  /** Only those after this one, which ended the page before. It may be gone since. */
  after?: OwingPlace
  /** At least 1. */
  limit: number
}

/** The pending deliveries of the whole store. */
export interface Backlog {
  /** Streams with pending deliveries, counted up to a limit. */
  streams: number
  /** There are more streams than were counted. */
  isMore: boolean
  /** The time of the oldest entry that may still be pending. */
  oldest?: Date
}

/** Streams that are counted where people and programs ask for the backlog: it must not take long, however many there are. */
export const COUNTED_BACKLOG = 100_000
