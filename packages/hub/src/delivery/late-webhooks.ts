import type { Id, Logger } from '@plugboard/core'
import { pause } from '../channels/timeout.js'
import type { RouteListener } from './route.js'
import type { Transport } from './transport.js'
import type { WebhookBody } from './webhook-body.js'
import type { WebhookAddress, WebhookItem } from './webhook-sender.js'

type Sender<Address> = Pick<Transport<Address, WebhookItem>, 'push' | 'cancel'>

/** What was pushed to a lane in one generation. */
interface Lane {
  generation: number
  /** Ends when everything pushed before has been handed on. */
  tail: Promise<void>
  /** Pushes that were not handed on yet. */
  waiting: number
  /** Aborted when what waits is not wanted any more. */
  controller: AbortController
}

/** Waits before a look-up that failed is made again: each twice the one before. */
const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 60_000

/** An item whose body has to be looked up. `make` rejects where that is not possible now. */
export type LateItem = Omit<WebhookItem, 'body'> & { make(): Promise<WebhookBody> }

/**
 * Hands items on to the webhook sender whose bodies have to be looked up first, in the order that they were pushed. A
 * look-up that fails is made again until it succeeds, or is not wanted any more: the store cannot be reached, and nothing
 * else can be done without it. An item that has no body ends what was pushed, and is reported.
 */
export class LateWebhooks<Address = WebhookAddress> {
  readonly #sender: Sender<Address>
  readonly #log: Logger
  readonly #lanes = new Map<number, Lane>()
  #listener: RouteListener | undefined

  constructor(sender: Sender<Address>, log: Logger) {
    this.#sender = sender
    this.#log = log
  }

  start(listener: RouteListener): void {
    this.#listener = listener
  }

  push(
    number: number,
    generation: number,
    { clientId, address }: { clientId: Id; address: Address },
    items: readonly LateItem[],
  ): void {
    const lane = this.#laneOf(number, generation)
    lane.waiting += 1
    const { signal } = lane.controller
    const bodies = items.map(({ make }) => this.#made(clientId, make, signal))
    lane.tail = lane.tail.then(async () => {
      const made = await Promise.all(bodies)
      if (!signal.aborted) this.#handOn(number, lane, address, items, made)
      lane.waiting -= 1
      if (lane.waiting === 0 && this.#lanes.get(number) === lane) this.#lanes.delete(number)
    })
  }

  /** What waits is forgotten; the sender confirms when nothing is under way. */
  cancel(number: number, generation: number): void {
    this.#lanes.get(number)?.controller.abort()
    this.#lanes.delete(number)
    this.#sender.cancel(number, generation)
  }

  /** What waits is forgotten, in all lanes. */
  close(): void {
    for (const { controller } of this.#lanes.values()) controller.abort()
    this.#lanes.clear()
  }

  /** What waits of an older generation is forgotten. */
  #laneOf(number: number, generation: number): Lane {
    const known = this.#lanes.get(number)
    if (known?.generation === generation) return known
    known?.controller.abort()
    const lane: Lane = {
      ...{ generation, tail: Promise.resolve(), waiting: 0, controller: new AbortController() },
    }
    this.#lanes.set(number, lane)
    return lane
  }

  /** What comes before an item without a body is handed on; what comes after it never is. */
  #handOn(
    number: number,
    { generation, controller }: Lane,
    address: Address,
    items: readonly LateItem[],
    made: readonly WebhookBody[],
  ): void {
    const ready: WebhookItem[] = []
    for (const [i, { seq, id }] of items.entries()) {
      const body = made[i] ?? ''
      if (typeof body !== 'string') {
        controller.abort()
        if (ready.length > 0) this.#sender.push(number, generation, address, ready, Number.POSITIVE_INFINITY)
        this.#listener?.unrendered(number, generation, seq, body)
        return
      }
      ready.push({ seq, id, body })
    }
    this.#sender.push(number, generation, address, ready, Number.POSITIVE_INFINITY)
  }

  async #made(clientId: Id, make: LateItem['make'], signal: AbortSignal): Promise<WebhookBody> {
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      try {
        return await make()
      } catch (err) {
        if (signal.aborted) return ''
        this.#log.error({ err, clientId, waitMs }, 'cannot look up what a webhook event holds; trying again')
        if (!(await pause(waitMs, signal))) return ''
      }
    }
  }
}
