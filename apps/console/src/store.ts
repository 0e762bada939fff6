import { useEffect, useState } from 'preact/hooks'

/** A value that components follow. */
export class Store<T> {
  #value: T
  readonly #listeners = new Set<() => void>()

  constructor(value: T) {
    this.#value = value
  }

  get(): T {
    return this.#value
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return
    this.#value = value
    for (const listener of [...this.#listeners]) listener()
  }

  /** Calls `listener` after each change. Returns a function that ends it. */
  follow(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}

/** The value of a store, in a component. */
export function useStore<T>(store: Store<T>): T {
  const [, redraw] = useState(0)
  const seen = store.get()
  useEffect(() => {
    const follow = () => redraw((n) => n + 1)
    // It may have changed between the first drawing and this.
    if (!Object.is(seen, store.get())) follow()
    return store.follow(follow)
  }, [store])
  return seen
}
