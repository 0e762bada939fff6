import type { Id } from '@plugboard/core'

/** Wakes what waits for a queue or for a pull webhook, in this process. */
export class QueueBell {
  readonly #listeners = new Map<Id, Set<() => void>>()

  /** `heard` is called, synchronously, each time that something was added. It must not throw. Returns how to end it. */
  listen(queueOrWebhookId: Id, heard: () => void): () => void {
    const listeners = this.#listeners.get(queueOrWebhookId) ?? new Set()
    this.#listeners.set(queueOrWebhookId, listeners.add(heard))
    return () => {
      listeners.delete(heard)
      if (listeners.size === 0) this.#listeners.delete(queueOrWebhookId)
    }
  }

  ring(queueOrWebhookId: Id): void {
    for (const heard of [...(this.#listeners.get(queueOrWebhookId) ?? [])]) heard()
  }

  /** Something may have been added to any of them. */
  ringAll(): void {
    for (const id of [...this.#listeners.keys()]) this.ring(id)
  }
}
