import { PlugboardError } from '@plugboard/core'
import type { Store } from '../../src/ports/store.js'
import type { MemoryStore } from './memory-store.js'
import type { Owner, Tasks } from './tasks.js'

export interface StoreLinkOptions {
  store: MemoryStore
  tasks: Tasks
  random(): number
  /** Whose connection it is. */
  owner: Owner
}

/**
 * The connection of a process to the store. Each call takes effect later, and is answered after that. A call that fails
 * may have had its effect. While the connection hangs, calls have no effect and no answer; later each has both, or fails.
 */
export class StoreLink {
  /** What was called, in order. */
  readonly methods: string[] = []
  get calls(): number {
    return this.methods.length
  }

  /** This many of the next calls fail. */
  failures = 0
  /** Nothing gets through: every call fails, and has no effect. */
  isCut = false
  readonly #options: StoreLinkOptions
  readonly #hanging: (() => void)[] = []
  #isHanging = false

  constructor(options: StoreLinkOptions) {
    this.#options = options
  }

  /** The store behind this connection. */
  get store(): Store {
    const get = (_: unknown, method: string) =>
      method === 'then' ? undefined : (...input: unknown[]) => this.call(method, input)
    return new Proxy({}, { get }) as Store
  }

  hang(): void {
    this.#isHanging = true
  }

  /** Ends the hang. Each call that hung continues or fails, at random. */
  answer(): void {
    this.#isHanging = false
    for (const call of this.#hanging.splice(0)) call()
  }

  call<T>(method: string, input: unknown[]): Promise<T> {
    const { random } = this.#options
    this.methods.push(method)
    if (this.isCut) return Promise.reject(new PlugboardError('UNAVAILABLE', 'the store cannot be reached'))
    let fails = this.failures > 0
    if (fails) this.failures -= 1
    return new Promise((resolve, reject) => {
      const go = (): void => this.#go(method, input, fails, resolve as (answer: unknown) => void, reject)
      if (!this.#isHanging) return go()
      this.#hanging.push(() => {
        fails = random() < 0.5
        go()
      })
    })
  }

  #go(
    method: string,
    input: unknown[],
    fails: boolean,
    resolve: (answer: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    const { store, tasks, random, owner } = this.#options
    // A claim that failed has taken nothing: see `Store.claimDue`.
    const isDone = !fails || (method !== 'claimDue' && random() < 0.5)
    // It takes effect at the store even if the process is gone by then.
    tasks.add(() => {
      const member: unknown = Reflect.get(store, method)
      const answer: unknown =
        isDone && typeof member === 'function' ? Reflect.apply(member, store, input) : undefined
      tasks.add(() => {
        if (!fails) return resolve(answer)
        reject(new PlugboardError('UNAVAILABLE', 'the store failed'))
      }, owner)
    })
  }
}
