import type { mongo } from 'mongoose'

/**
 * A smaller difference counts as none: synchronised clocks differ by less, and so does a measurement over a slow network.
 * Then times that one process wrote are to the millisecond those that another reads.
 */
const TOLERATED_MS = 500

/**
 * The database's clock, which leases and due times are told by, since those of replicas may differ. It is read off the
 * answers to the driver's own heartbeats (`hello.localTime`), which cost nothing.
 */
export class DatabaseClock {
  readonly #now: () => number
  #aheadMs = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** To be told of each `hello`, right when it comes in. */
  read(hello: { localTime?: Date }): void {
    if (!hello.localTime) return
    const aheadMs = hello.localTime.getTime() - Date.now()
    this.#aheadMs = Math.abs(aheadMs) < TOLERATED_MS ? 0 : aheadMs
  }

  follow(client: mongo.MongoClient): void {
    client.on('serverHeartbeatSucceeded', ({ reply }) => {
      if (reply.isWritablePrimary) this.read(reply)
    })
  }

  now(): Date {
    return new Date(this.#now() + this.#aheadMs)
  }

  /** A time of this process, by the database's clock. */
  toDatabase(time: Date): Date {
    return this.#aheadMs === 0 ? time : new Date(time.getTime() + this.#aheadMs)
  }

  fromDatabase(time: Date): Date {
    return this.#aheadMs === 0 ? time : new Date(time.getTime() - this.#aheadMs)
  }
}
