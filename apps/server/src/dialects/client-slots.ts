import { type Id, PlugboardError } from '@plugboard/core'

/** `Retry-After`, in milliseconds. */
const RETRY_MS = 1000

export interface ClientSlotsOptions {
  /** What is counted, in the plural. */
  what: string
  /** Maximum concurrent tasks per client. */
  perClient: number
  /** Maximum wait for a slot, in milliseconds. Default: 5 seconds. */
  maxWaitMs?: number
  /** Maximum waiting tasks per client. Default: 100. */
  maxWaiting?: number
}

/** A task that waits for a slot. */
interface Waiting {
  begin(): void
  refuse(): void
}

/** Tasks of one client. */
interface Slots {
  taken: number
  waits: number
  /** Those that wait, by whom they are of, the one whose turn is next first. Each has at least one, the first one first. */
  waiting: Map<string, Set<Waiting>>
}

/**
 * Limits the concurrent expensive tasks of each client, so that no client takes memory or time from others. Further tasks
 * wait, which costs little, so that any number of short tasks succeeds.
 */
export class ClientSlots {
  readonly #options: Required<ClientSlotsOptions>
  readonly #clients = new Map<Id, Slots>()

  constructor({ maxWaitMs = 5_000, maxWaiting = 100, ...options }: ClientSlotsOptions) {
    this.#options = { ...options, maxWaitMs, maxWaiting }
  }

  /**
   * Takes a slot. Returns a function that releases it, to be called once. `of`: whose task it is, such as a network of
   * visitors; they take turns, and if too many tasks wait, the newest one of whom has most is refused.
   * @throws RATE_LIMITED
   */
  async take(clientId: Id, of = ''): Promise<() => void> {
    const slots = this.#clients.get(clientId) ?? { taken: 0, waits: 0, waiting: new Map() }
    this.#clients.set(clientId, slots)
    if (slots.taken >= this.#options.perClient) await this.#wait(slots, of)
    else slots.taken += 1
    return () => this.#release(clientId, slots)
  }

  /** Whether others of the client wait for a slot. */
  isAwaited(clientId: Id): boolean {
    return (this.#clients.get(clientId)?.waits ?? 0) > 0
  }

  /** Waits until another task hands over its slot. */
  #wait(slots: Slots, of: string): Promise<void> {
    const { what, perClient, maxWaitMs, maxWaiting } = this.#options
    return new Promise((resolve, reject) => {
      const task: Waiting = {
        begin() {
          clearTimeout(timer)
          resolve()
        },
        refuse() {
          clearTimeout(timer)
          const message = `At most ${perClient} concurrent ${what} per client. Try again later.`
          reject(new PlugboardError('RATE_LIMITED', message, { retryAfterMs: RETRY_MS }))
        },
      }
      const timer = setTimeout(() => {
        leave(slots, of, task)
        task.refuse()
      }, maxWaitMs)
      slots.waiting.set(of, (slots.waiting.get(of) ?? new Set()).add(task))
      slots.waits += 1
      if (slots.waits > maxWaiting) refuseOne(slots)
    })
  }

  #release(clientId: Id, slots: Slots): void {
    const [turn] = slots.waiting
    const [next] = turn?.[1] ?? []
    if (turn && next) {
      const [of, tasks] = turn
      leave(slots, of, next)
      // To the end.
      if (slots.waiting.delete(of)) slots.waiting.set(of, tasks)
      return next.begin()
    }
    slots.taken -= 1
    if (slots.taken === 0) this.#clients.delete(clientId)
  }
}

function leave(slots: Slots, of: string, task: Waiting): void {
  const tasks = slots.waiting.get(of)
  if (!tasks?.delete(task)) return
  slots.waits -= 1
  if (tasks.size === 0) slots.waiting.delete(of)
}

/** The newest task of whom has most; of several such, of the one who came last. */
function refuseOne(slots: Slots): void {
  let [greedy, most]: [string, ReadonlySet<Waiting>] = ['', new Set()]
  for (const [of, tasks] of slots.waiting) if (tasks.size >= most.size) [greedy, most] = [of, tasks]
  const newest = [...most].at(-1)
  if (!newest) return
  leave(slots, greedy, newest)
  newest.refuse()
}

/** Releases a slot when a response has ended or was aborted. */
export function releaseAtEnd(response: Closing, release: () => void): void {
  if (response.closed) release()
  else response.once('close', release)
}

/** The part of a response that reports its end. */
export interface Closing {
  readonly closed: boolean
  once(event: 'close', listener: () => void): unknown
}
