import type { mongo } from 'mongoose'

/**
 * A smaller difference counts as none: synchronised clocks differ by less, and so does a measurement over a slow network.
 * Then times that one process wrote are to the millisecond those that another reads.
 */
const TOLERATED_MS = 500

/**
 * The database's clock, which leases and due times are told by, since those of replicas may differ. It is read off the
 * answers to the driver's own heartbeats (`hello.localTime`), which cost nothing. Where these have no time it is the
 * clock of this process.
 */
export class DatabaseClock {
  readonly #now: () => number
  #aheadMs = 0
  /** The database's time where the monotonic clock of this process is 0; undefined until it was read. */
  #originMs: number | undefined

  constructor(now: () => number) {
    this.#now = now
  }

  /** To be called with each `hello`, right when it comes in. Some servers have another thing there than a date. */
  read({ localTime }: { localTime?: unknown }): void {
    if (!(localTime instanceof Date) || Number.isNaN(localTime.getTime())) return
    const aheadMs = localTime.getTime() - Date.now()
    this.#aheadMs = Math.abs(aheadMs) < TOLERATED_MS ? 0 : aheadMs
    this.#originMs = localTime.getTime() - performance.now()
  }

  follow(client: mongo.MongoClient): void {
    client.on('serverHeartbeatSucceeded', ({ reply }) => {
      if (reply.isWritablePrimary) this.read(reply)
    })
  }

  now(): Date {
    return new Date(this.#now() + this.#aheadMs)
  }

  /**
   * The same as exactly as it was measured: late by the way of the answer, never early, and not moved by anyone who
   * sets the clock of this machine. For what is compared across processes, and passed on to nobody.
   */
  measured(): Date {
    return this.#originMs === undefined ? this.now() : new Date(this.#originMs + performance.now())
  }

  /** A time of this process, by the database's clock. */
  toDatabase(time: Date): Date {
    return this.#aheadMs === 0 ? time : new Date(time.getTime() + this.#aheadMs)
  }

  fromDatabase(time: Date): Date {
    return this.#aheadMs === 0 ? time : new Date(time.getTime() - this.#aheadMs)
  }
}
