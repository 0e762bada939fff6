import type { InboundEvent } from '@plugboard/core'

/** Events that are handled at the same time. */
const AT_ONCE = 16

type Work = (event: InboundEvent) => Promise<unknown>

/**
 * Handles each event: those of one person in one place in their order, whichever of its addresses they name, and others at
 * the same time. What comes before a change of an address is handled before it, and what comes after it after it. After a
 * failure nothing more is begun. @throws what `work` throws, once nothing is under way any more
 */
export async function handleInOrder(events: readonly InboundEvent[], work: Work): Promise<void> {
  let isFailed = false
  for (const lanes of stagesOf(events).map(lanesOf)) {
    const handleSome = async (): Promise<void> => {
      for (let lane = lanes.shift(); lane; lane = lanes.shift())
        for (const event of lane) if (!isFailed) await work(event)
    }
    const handling = Array.from({ length: Math.min(lanes.length, AT_ONCE) }, () =>
      handleSome().catch((error: unknown) => {
        isFailed = true
        throw error
      }),
    )
    for (const outcome of await Promise.allSettled(handling))
      if (outcome.status === 'rejected') throw outcome.reason
  }
}

/** Each change of an address alone, and what is between two of them. */
function stagesOf(events: readonly InboundEvent[]): InboundEvent[][] {
  const stages: InboundEvent[][] = []
  let isOpen = false
  for (const event of events) {
    const isChange = event.type === 'renamed'
    if (isOpen && !isChange) stages.at(-1)?.push(event)
    else stages.push([event])
    isOpen = !isChange
  }
  return stages
}

/** The events of each person in each place, in their order. */
function lanesOf(events: readonly InboundEvent[]): InboundEvent[][] {
  const lanes = new Map<string, InboundEvent[]>()
  const same = new Same()
  const keys = events.map((event) => same.join(addressesOf(event)))
  for (const [i, event] of events.entries()) {
    const key = same.of(keys[i] as string)
    const lane = lanes.get(key)
    if (lane) lane.push(event)
    else lanes.set(key, [event])
  }
  return [...lanes.values()]
}

function addressesOf({ endpoint, aliases = [] }: InboundEvent): [string, ...string[]] {
  const { identity, sender, thread } = endpoint
  const at = (name: unknown): string => JSON.stringify([identity, thread, name])
  return [at(sender), ...aliases.map((alias) => at(alias.sender))]
}

/** Which addresses are of one person, as far as events say so. */
class Same {
  /** Of an address, another one of the same person that is nearer to the one that stands for all. */
  readonly #next = new Map<string, string>()

  /** The one that stands for all addresses of this person. */
  of(address: string): string {
    let last = address
    for (let next = this.#next.get(last); next !== undefined; next = this.#next.get(last)) last = next
    if (last !== address) this.#next.set(address, last)
    return last
  }

  /** These are of one person. Returns the first. */
  join([first, ...others]: readonly [string, ...string[]]): string {
    for (const other of others) {
      const [from, to] = [this.of(other), this.of(first)]
      if (from !== to) this.#next.set(from, to)
    }
    return first
  }
}
