import type { Dead, Entry, StreamRef } from '../log/entry.js'
import type { Claimed } from '../log/progress.js'
import type { Target } from '../log/target.js'
import type { Store } from '../ports/store.js'
import type { Gate } from './gate.js'
import type { Lane } from './lane.js'
import type { Route, Routing } from './route.js'
import type { StreamRunner } from './stream-runner.js'
import type { Late } from './tenure.js'
import type { DeliveryFailure } from './transport.js'

/** What a runner needs of the dispatcher. */
export interface RunnerHost {
  readonly store: Store
  /** The process is going down: nothing new goes out. */
  readonly isStopping: boolean
  now(): Date
  /** In [0, 1). */
  random(): number
  /** A number that names a lane of this runner to the transports. */
  register(runner: StreamRunner, open: (handle: number) => Lane): Lane
  unregister(lane: Lane): void
  route(stream: Claimed, target: Target): Routing | Promise<Routing>
  /** There was an error where a route was asked for; it is asked for again. */
  unrouted(stream: Claimed, target: Target, error: unknown): void
  gate(route: Route): Gate
  /** The target is to be left alone: what has not begun is to be taken back from all lanes behind this gate. */
  leftAlone(gate: Gate): void
  /** The target answers again after it had been left alone. */
  recovered(stream: Claimed): void
  /** The credentials of this target do not work any more. */
  refused(stream: Claimed, route: Route, reason: string): Promise<void>
  observeDelivered(route: Route, entry: Entry): void
  observeRetry(route: Route, entry: Entry, attempts: number, failure: DeliveryFailure): void
  observeDeath(target: Target, entry: Entry, dead: Dead): void
  /** The entry will not be tried any more, and that is written down; what passes it comes after this. */
  gaveUp(stream: StreamRef, target: Target, entry: Entry, dead: Dead): Promise<void>
  /** The stream was given back, and is due then. */
  rested(runner: StreamRunner, nextAt: Date | null, late: Late): void
  /** The store failed, or the lease is lost: what this runner has in memory is void. */
  abandoned(runner: StreamRunner, error?: unknown): void
}
