import { PlugboardError } from '@plugboard/core'
import type { FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { FailureLimit } from '../http/passwords/failure-limit.js'
import { networkOf } from '../http/trusted-proxies.js'

const TEXTS = { UNAUTHORIZED: 'Unauthorized', FORBIDDEN: 'Forbidden' } as const

type Code = keyof typeof TEXTS

/** Networks that are remembered because they had a secret right. */
const MAX_KNOWN = 10_000

/** A secret that an operator chose, and what its name is in the limits. */
export interface Chosen {
  name: 'admin key' | 'internal password'
  isRight: boolean
  code: Code
}

/**
 * What wrong credentials are answered with: their error, until an address has sent too many of them within a minute. One
 * for all dialects, so that none of them gives another set of tries. IPv6 addresses count by their network.
 */
export class Refusals {
  readonly #all: FailureLimit
  /** By secret and network. */
  readonly #chosen: FailureLimit
  // With `max` instead, it would allocate for all of them at once.
  readonly #known = new LRUCache<string, true>({ maxSize: MAX_KNOWN, sizeCalculation: () => 1 })

  /** `perMinute` 0: any number. */
  constructor(perMinute: number) {
    this.#all = new FailureLimit({ perMinute })
    this.#chosen = new FailureLimit({ perMinute })
  }

  /**
   * The error to throw for a credential that the server made, such as a token or a key. These cannot be guessed, so right
   * ones pass however many wrong ones came, since many may share an address.
   */
  of({ ip }: FastifyRequest, code: Code): PlugboardError {
    const network = networkOf(ip)
    const retryAfterMs = this.#all.waitMs(network)
    if (retryAfterMs > 0) return new PlugboardError('RATE_LIMITED', 'Too Many Requests', { retryAfterMs })
    this.#all.failed(network)
    return new PlugboardError(code, TEXTS[code])
  }

  /**
   * Checks a secret that an operator chose, which may be guessed: from an address with too many wrong ones a right one
   * is rejected too, unless it was valid before, so that strangers with the same address cannot lock out others.
   * @throws PlugboardError with the code, or RATE_LIMITED, as {@link Refusals.of}
   */
  assertChosen(request: FastifyRequest, { name, isRight, code }: Chosen): void {
    const key = `${name} ${networkOf(request.ip)}`
    const mayTry = this.#chosen.waitMs(key) === 0
    if (isRight && (mayTry || this.#known.has(key))) {
      this.#known.set(key, true)
      return
    }
    if (mayTry) this.#chosen.failed(key)
    throw this.of(request, code)
  }
}
