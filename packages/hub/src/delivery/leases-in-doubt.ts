import type { Id } from '@plugboard/core'
import type { StreamRef } from '../log/entry.js'
import type { Claimed } from '../log/progress.js'
import type { Store } from '../ports/store.js'

export interface LeasesInDoubtOptions {
  store: Pick<Store, 'reclaim'>
  isStopping(): boolean
  /** A lease is no longer in doubt. `claimed`: this process has it. */
  answered(claimed: Claimed | undefined): void
}

/** Delay before the store is asked again after it failed: one call a second is little load. */
const RETRY_MS = 1000

/**
 * Streams whose lease this process may have: an append that failed may have taken it. No process would deliver such a
 * stream until the lease ends, so this one asks for the lease until the store answers.
 */
export class LeasesInDoubt {
  readonly #options: LeasesInDoubtOptions
  /** Each with what the store gave in another way while the reclaim is under way. */
  readonly #streams = new Map<Id, { claimed?: Claimed }>()

  constructor(options: LeasesInDoubtOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#streams.size
  }

  has(streamId: Id): boolean {
    return this.#streams.has(streamId)
  }

  /** Keeps a stream that the store gave until the answer is there. False if its lease is not in doubt. */
  keep(claimed: Claimed): boolean {
    const stream = this.#streams.get(claimed.streamId)
    if (stream) stream.claimed = claimed
    return stream !== undefined
  }

  ask(stream: StreamRef): void {
    if (this.#streams.has(stream.streamId) || this.#options.isStopping()) return
    this.#streams.set(stream.streamId, {})
    this.#reclaim(stream)
  }

  #reclaim(stream: StreamRef): void {
    const found = (answer: Claimed | 'lost'): void => {
      const kept = this.#streams.get(stream.streamId)?.claimed
      this.#streams.delete(stream.streamId)
      this.#options.answered(answer === 'lost' ? kept : answer)
    }
    this.#options.store.reclaim(stream).then(found, () => {
      if (this.#options.isStopping()) return found('lost')
      setTimeout(() => this.#reclaim(stream), RETRY_MS).unref()
    })
  }
}
