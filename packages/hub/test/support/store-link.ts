import { PlugboardError } from '@plugboard/core'
import type { Store } from '../../src/ports/store.js'
import type { MemoryStore } from './memory-store.js'
import type { Tasks } from './tasks.js'

export interface StoreLinkOptions {
  store: MemoryStore
  tasks: Tasks
  random(): number
  /** A call fails now. */
  failed(): void
}

/** The way to a store: each call takes effect later, and is answered later still. One that fails may have had its effect. */
export class StoreLink {
  calls = 0
  /** So many of the next calls fail. */
  failures = 0
  readonly #options: StoreLinkOptions

  constructor(options: StoreLinkOptions) {
    this.#options = options
  }

  /** The store as a process has it, as long as `isAlive`. */
  storeWhile(isAlive: () => boolean): Store {
    const get = (_: unknown, method: string) =>
      method === 'then' || !isAlive() ? undefined : (...input: unknown[]) => this.call(method, input)
    return new Proxy({}, { get }) as Store
  }

  call<T>(method: string, input: unknown[]): Promise<T> {
    const { store, tasks, random, failed } = this.#options
    this.calls += 1
    const fails = this.failures > 0
    if (fails) this.failures -= 1
    const isDone = !fails || random() < 0.5
    return new Promise((resolve, reject) => {
      tasks.add(() => {
        const member: unknown = Reflect.get(store, method)
        const answer: unknown =
          isDone && typeof member === 'function' ? Reflect.apply(member, store, input) : undefined
        tasks.add(() => {
          if (!fails) return resolve(answer as T)
          failed()
          reject(new PlugboardError('UNAVAILABLE', 'the store failed'))
        })
      })
    })
  }
}
