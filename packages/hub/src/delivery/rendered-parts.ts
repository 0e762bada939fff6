import type { Part } from '@plugboard/core'
import { LRUCache } from 'lru-cache'

/** What the parts of one process may take between attempts, as UTF-16 units of their JSON. */
const MAX_KEPT = 16 * 1024 * 1024

/** Parts of a delivery, and what they were made of. */
export interface Kept {
  /** JSON text: an edited message is rendered anew. */
  payload: string
  /** Of the endpoint, all that a channel sees of it. */
  endpoint: string
  parts: readonly Part[]
  /** Of the parts as JSON. */
  size: number
}

/**
 * Parts of deliveries that are to be tried again, so that a slow `render` is paid once for an entry and not at each
 * attempt. What does not fit any more is rendered again.
 */
export class RenderedParts {
  readonly #kept = new LRUCache<string, Kept>({
    maxSize: MAX_KEPT,
    sizeCalculation: ({ payload, size }) => payload.length + size,
  })

  /** The parts of this delivery, if they are of the same payload and endpoint. */
  recall(deliveryId: string, { payload, endpoint }: Pick<Kept, 'payload' | 'endpoint'>): Kept | undefined {
    const kept = this.#kept.get(deliveryId)
    return kept?.payload === payload && kept.endpoint === endpoint ? kept : undefined
  }

  keep(deliveryId: string, kept: Kept): void {
    this.#kept.set(deliveryId, kept)
  }

  /** The delivery has ended. */
  forget(deliveryId: string): void {
    this.#kept.delete(deliveryId)
  }
}
