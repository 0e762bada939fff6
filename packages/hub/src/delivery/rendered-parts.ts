import type { Part } from '@plugboard/core'
import { LRUCache } from 'lru-cache'

/** Most that a process keeps, in UTF-16 units of JSON. */
const MAX_KEPT = 16 * 1024 * 1024

/** Parts of a delivery, and what they were rendered from. */
export interface Kept {
  /** JSON text: an edited message is rendered again. */
  payload: string
  /** The endpoint as a channel sees it, as JSON text. */
  endpoint: string
  parts: readonly Part[]
  /** Length of the parts as JSON. */
  size: number
}

/**
 * Rendered parts of deliveries that will be retried, so that a slow `render` runs once for an entry and not once for
 * each attempt. What was evicted is rendered again.
 */
export class RenderedParts {
  readonly #kept = new LRUCache<string, Kept>({
    maxSize: MAX_KEPT,
    sizeCalculation: ({ payload, size }) => payload.length + size,
  })

  /** The parts of this delivery, if they were rendered from the same payload and endpoint. */
  recall(deliveryId: string, { payload, endpoint }: Pick<Kept, 'payload' | 'endpoint'>): Kept | undefined {
    const kept = this.#kept.get(deliveryId)
    return kept?.payload === payload && kept.endpoint === endpoint ? kept : undefined
  }

  keep(deliveryId: string, kept: Kept): void {
    this.#kept.set(deliveryId, kept)
  }

  /** The delivery will not be retried. */
  forget(deliveryId: string): void {
    this.#kept.delete(deliveryId)
  }
}
