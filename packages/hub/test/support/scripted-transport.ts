import type { DeliveryFailure, Transport, TransportListener } from '../../src/delivery/transport.js'
import { TIMEOUT_MS } from './moods.js'
import type { Owner, Tasks } from './tasks.js'

export interface ScriptedItem {
  seq: number
  /** Parts that have arrived already. */
  part: number
}

/** A request under way, for the test to end. */
export interface Flight<Address> {
  address: Address
  item: ScriptedItem
  lane: number
  /** Whether one more part may start. */
  mayStart(): boolean
  /** This many parts have arrived. */
  progress(parts: number): void
  end(failure?: DeliveryFailure): void
  /** The lease ended between two parts. */
  expire(): void
}

interface Lane<Address> {
  generation: number
  queue: { address: Address; item: ScriptedItem }[]
  flight: { generation: number; seq: number } | undefined
  cancels: number[]
  leaseEndsAt: number
}

/**
 * A transport like the webhook sender: it runs in another thread, so commands and reports arrive later, each in order.
 * {@link Tasks} decides when.
 */
export class ScriptedTransport<Address> implements Transport<Address, ScriptedItem> {
  readonly #tasks: Tasks
  readonly #owner: Owner
  readonly #request: (flight: Flight<Address>) => void
  readonly #lanes = new Map<number, Lane<Address>>()
  /** The last generation of a lane that failed. */
  readonly #dead = new Map<number, number>()
  readonly #commands: (() => void)[] = []
  readonly #reports: (() => void)[] = []
  #listener: TransportListener | undefined

  constructor(tasks: Tasks, owner: Owner, request: (flight: Flight<Address>) => void) {
    this.#tasks = tasks
    this.#owner = owner
    this.#request = request
  }

  start(listener: TransportListener): void {
    this.#listener = listener
  }

  push(
    number: number,
    generation: number,
    address: Address,
    items: readonly ScriptedItem[],
    leaseEndsAt = Number.POSITIVE_INFINITY,
  ): void {
    this.#command(() => {
      if ((this.#dead.get(number) ?? -1) >= generation) return
      const lane = this.#lanes.get(number) ?? {
        ...{ generation, queue: [], flight: undefined, cancels: [], leaseEndsAt },
      }
      this.#lanes.set(number, lane)
      if (generation > lane.generation) lane.queue = []
      lane.generation = generation
      lane.leaseEndsAt = leaseEndsAt
      lane.queue.push(...items.map((item) => ({ address, item })))
      this.#serve(number, lane)
    })
  }

  renew(number: number, leaseEndsAt: number): void {
    this.#command(() => {
      const lane = this.#lanes.get(number)
      if (lane) lane.leaseEndsAt = leaseEndsAt
    })
  }

  cancel(number: number, generation: number): void {
    this.#command(() => {
      const lane = this.#lanes.get(number)
      if (lane) lane.queue = []
      if (lane?.flight) lane.cancels.push(generation)
      else this.#report((listener) => listener.cancelled(number, generation))
    })
  }

  /** Aborts what is under way, and reports nothing more. */
  async close(): Promise<void> {
    this.#listener = undefined
    this.#lanes.clear()
  }

  #serve(number: number, lane: Lane<Address>): void {
    if (lane.flight) return
    if (lane.queue.length > 0 && !this.#mayStart(lane)) return this.#expire(number, lane)
    const next = lane.queue.shift()
    if (!next) return
    const { generation } = lane
    const { seq } = next.item
    const flight = { generation, seq }
    lane.flight = flight
    this.#request({
      ...next,
      lane: number,
      mayStart: () => this.#mayStart(lane),
      progress: (parts) => {
        if (lane.flight === flight)
          this.#report((listener) => listener.progressed(number, generation, seq, parts))
      },
      end: (failure) => {
        if (lane.flight === flight) this.#end(number, lane, flight, failure)
      },
      expire: () => {
        lane.flight = undefined
        this.#expire(number, lane)
      },
    })
  }

  #mayStart({ leaseEndsAt }: Lane<Address>): boolean {
    return this.#listener !== undefined && Date.now() + TIMEOUT_MS <= leaseEndsAt
  }

  #expire(number: number, lane: Lane<Address>): void {
    const { generation } = lane
    this.#dead.set(number, generation)
    this.#lanes.delete(number)
    this.#report((listener) => listener.expired(number, generation))
    for (const cancel of lane.cancels) this.#report((listener) => listener.cancelled(number, cancel))
  }

  #end(
    number: number,
    lane: Lane<Address>,
    { generation, seq }: { generation: number; seq: number },
    failure?: DeliveryFailure,
  ): void {
    lane.flight = undefined
    if (failure) {
      this.#dead.set(number, generation)
      if (lane.generation <= generation) lane.queue = []
      this.#report((listener) => listener.failed(number, generation, seq, failure))
    } else this.#report((listener) => listener.delivered(number, generation, seq))
    for (const cancel of lane.cancels.splice(0))
      this.#report((listener) => listener.cancelled(number, cancel))
    if (lane.queue.length > 0) this.#serve(number, lane)
    else this.#lanes.delete(number)
  }

  #command(command: () => void): void {
    this.#commands.push(command)
    this.#tasks.add(() => this.#commands.shift()?.(), this.#owner)
  }

  #report(report: (listener: TransportListener) => void): void {
    this.#reports.push(() => this.#listener && report(this.#listener))
    this.#tasks.add(() => this.#reports.shift()?.(), this.#owner)
  }
}
