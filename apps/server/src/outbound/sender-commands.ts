import type { Allowance } from './guard.js'
import type { AttemptLimits } from './http-request.js'
import type { WebhookItem, WebhookSender, WebhookTarget } from './sender-port.js'

/** What the thread is started with. */
export interface SenderSettings extends AttemptLimits {
  allowance: Allowance
  maxTimeoutMs: number
  perTargetConcurrency: number
  maxPools: number
  poolIdleMs: number
}

/**
 * Main thread → worker: what was asked for in one turn of the main loop. Flat, since numbers and texts cross for a
 * fifth of what objects cost.
 */
export interface Commands {
  /**
   * One command after the other: `PUSH`, lane, generation, end of the lease, the target's place, how many items, the seq
   * of each; `RENEW`, lane, end of the lease; `CANCEL`, lane; `CLOSE`.
   */
  numbers: number[]
  /** Id and body of each item, in order. */
  texts: string[]
  targets: WebhookTarget[]
}

const PUSH = 0
const CANCEL = 1
const CLOSE = 2
const RENEW = 3

/** Collects commands. */
export class CommandWriter {
  #commands: Commands = noCommands()
  readonly #places = new Map<WebhookTarget, number>()

  get isEmpty(): boolean {
    return this.#commands.numbers.length === 0
  }

  push(
    lane: number,
    generation: number,
    target: WebhookTarget,
    items: readonly WebhookItem[],
    leaseEndsAt: number,
  ): void {
    const { numbers, texts } = this.#commands
    numbers.push(PUSH, lane, generation, leaseEndsAt, this.#placeOf(target), items.length)
    for (const { seq, id, body } of items) {
      numbers.push(seq)
      texts.push(id, body)
    }
  }

  renew(lane: number, leaseEndsAt: number): void {
    this.#commands.numbers.push(RENEW, lane, leaseEndsAt)
  }

  cancel(lane: number): void {
    this.#commands.numbers.push(CANCEL, lane)
  }

  close(): void {
    this.#commands.numbers.push(CLOSE)
  }

  /** Answers what was collected, and begins anew. */
  take(): Commands {
    const commands = this.#commands
    this.#commands = noCommands()
    this.#places.clear()
    return commands
  }

  /** A target crosses once, however many lanes go to it. */
  #placeOf(target: WebhookTarget): number {
    const known = this.#places.get(target)
    if (known !== undefined) return known
    const place = this.#commands.targets.push(target) - 1
    this.#places.set(target, place)
    return place
  }
}

export interface CommandReceiver extends Pick<WebhookSender, 'push' | 'renew' | 'cancel'> {
  close(): void
}

/** Plays commands back. */
export function readCommands({ numbers, texts, targets }: Commands, receiver: CommandReceiver): void {
  let [at, text] = [0, 0]
  const number = () => numbers[at++] ?? 0
  while (at < numbers.length) {
    const kind = number()
    if (kind === CLOSE) receiver.close()
    else if (kind === CANCEL) receiver.cancel(number())
    else if (kind === RENEW) receiver.renew(number(), number())
    else {
      const [lane, generation, leaseEndsAt] = [number(), number(), number()]
      const [target, count] = [targets[number()], number()]
      const items: WebhookItem[] = []
      for (let i = 0; i < count; i++)
        items.push({ seq: number(), id: texts[text++] ?? '', body: texts[text++] ?? '' })
      if (target) receiver.push(lane, generation, target, items, leaseEndsAt)
    }
  }
}

function noCommands(): Commands {
  return { numbers: [], texts: [], targets: [] }
}
