import type { Logger } from '@plugboard/core'
import { pause } from './in-time.js'
import type { WebhookAddress, WebhookItem, WebhookSender } from './webhook-sender.js'

interface Lane {
  /** Ends when everything pushed before has been handed on. */
  tail: Promise<void>
  /** Pushes that were not handed on yet. */
  waiting: number
  /** Aborted when what waits is not wanted any more. */
  controller: AbortController
}

const AGAIN_MS = 1000

/** Says what the body is; asked again when it rejects. */
export type MakeBody = () => string | undefined | Promise<string | undefined>

/**
 * Hands items on to the webhook sender whose bodies have to be looked up first, in the order that they were pushed. What
 * cannot be looked up now is tried until it can, or is not wanted any more: the store that it is in is down, and with it
 * everything else.
 */
export class LateWebhooks {
  readonly #sender: Pick<WebhookSender, 'push' | 'cancel'>
  readonly #log: Logger
  readonly #lanes = new Map<number, Lane>()

  constructor(sender: Pick<WebhookSender, 'push' | 'cancel'>, log: Logger) {
    this.#sender = sender
    this.#log = log
  }

  push(
    number: number,
    generation: number,
    address: WebhookAddress,
    items: readonly (Omit<WebhookItem, 'body'> & { make: MakeBody })[],
  ): void {
    const lane = this.#lanes.get(number) ?? {
      ...{ tail: Promise.resolve(), waiting: 0, controller: new AbortController() },
    }
    this.#lanes.set(number, lane)
    lane.waiting += 1
    const { signal } = lane.controller
    const bodies = items.map(({ make }) => this.#made(make, signal))
    lane.tail = lane.tail.then(async () => {
      const made = await Promise.all(bodies)
      if (!signal.aborted) {
        const ready = items.map(({ seq, id }, i) => ({ seq, id, body: made[i] as string }))
        this.#sender.push(number, generation, address, ready)
      }
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

  async #made(make: MakeBody, signal: AbortSignal): Promise<string> {
    for (;;) {
      try {
        return (await make()) ?? ''
      } catch (err) {
        this.#log.error({ err }, 'what a webhook is to be told could not be looked up; trying again')
        if (signal.aborted || !(await pause(AGAIN_MS, signal))) return ''
      }
    }
  }
}
