import type { ChildProcess } from 'node:child_process'
import { isPlugboardError } from '@plugboard/core'
import type { Store } from '../../src/ports/store.js'

/** A call of a method of the store, or the result of a function in the input of a call. */
type Told = { call: number; method: string; input: unknown[] } | { call: number; result: unknown }

interface Answer {
  answer?: unknown
  failed?: { code: string; message: string }
  leaseUntil?: Date
}

/** What a function of the caller is to be called with. It is known by its place in the input of the call. */
interface Question {
  place: string
  input: unknown[]
}

/** Thrown by a function whose result is not there yet. A method of the store that throws has changed nothing. */
class Unanswered extends Error {
  readonly question: Question

  constructor(question: Question) {
    super('the caller has to be asked')
    this.question = question
  }
}

/**
 * Gives another process a store of this one. The functions in the input of a call are pure and may be called again, by
 * the rules of the port. So the store is called, and asks for a result that it lacks; once the caller has answered, it is
 * called again with all results so far. What other processes change until then may lead to another question.
 */
export class StoreServer {
  readonly #store: Store
  readonly #process: ChildProcess
  /** Before each call takes effect. */
  readonly #pause: () => Promise<void>
  readonly #open = new Map<number, { answered(result: unknown): void }>()

  constructor(store: Store, process: ChildProcess, pause: () => Promise<void>) {
    this.#store = store
    this.#process = process
    this.#pause = pause
    process.on('message', (told: Told | object) => {
      if (!('call' in told)) return
      if ('result' in told) this.#open.get(told.call)?.answered(told.result)
      else void this.#serve(told.call, told.method, told.input)
    })
  }

  async #serve(call: number, method: string, input: unknown[]): Promise<void> {
    const results = new Map<string, unknown>()
    for (;;) {
      await this.#pause()
      const answer = await this.#call(method, input, results)
      if (!(answer instanceof Unanswered)) return this.#send({ call, ...answer })
      const { question } = answer
      const result = await new Promise((answered) => {
        this.#open.set(call, { answered })
        this.#send({ call, question })
      })
      this.#open.delete(call)
      results.set(keyOf(question), result)
    }
  }

  async #call(
    method: string,
    input: unknown[],
    results: ReadonlyMap<string, unknown>,
  ): Promise<Answer | Unanswered> {
    const member: unknown = Reflect.get(this.#store, method)
    if (typeof member !== 'function') throw new Error(`the store has no ${method}`)
    const given = input.map((each) => withFunctions(each, results))
    try {
      const answer: unknown = await Reflect.apply(member, this.#store, given)
      const [, lease] = given as [unknown, { until: Date }]
      return { answer, ...(method === 'mark' && { leaseUntil: lease.until }) }
    } catch (error) {
      if (error instanceof Unanswered) return error
      if (!isPlugboardError(error)) throw error
      return { failed: { code: error.code, message: error.message } }
    }
  }

  #send(message: object): void {
    if (this.#process.connected) this.#process.send(message)
  }
}

const keyOf = ({ place, input }: Question): string => JSON.stringify([place, input])

/** The input as the caller gave it. Each function returns what the caller has answered. */
function withFunctions(value: unknown, results: ReadonlyMap<string, unknown>): unknown {
  if (Array.isArray(value)) return value.map((each) => withFunctions(each, results))
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype)
    return value
  if ('function at' in value) {
    const place = String(value['function at'])
    return (...input: unknown[]) => {
      const question = { place, input: structuredClone(input) }
      const key = keyOf(question)
      if (!results.has(key)) throw new Unanswered(question)
      return results.get(key)
    }
  }
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withFunctions(each, results)]))
}
