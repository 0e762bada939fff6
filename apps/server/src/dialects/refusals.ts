import { PlugboardError } from '@plugboard/core'
import type { FastifyRequest } from 'fastify'
import { FailureLimit } from '../failure-limit.js'

const TEXTS = { UNAUTHORIZED: 'Unauthorized', FORBIDDEN: 'Forbidden' } as const

/**
 * What wrong credentials are answered with: their error, until an address has sent too many of them within a minute.
 * Right ones pass all the same, since many may share an address.
 */
export class Refusals {
  readonly #limit: FailureLimit

  /** `perMinute` 0: any number. */
  constructor(perMinute: number) {
    this.#limit = new FailureLimit({ perMinute })
  }

  /** The error to throw. */
  of(request: FastifyRequest, code: keyof typeof TEXTS): PlugboardError {
    const retryAfterMs = this.#limit.waitMs(request.ip)
    if (retryAfterMs > 0) return new PlugboardError('RATE_LIMITED', 'Too Many Requests', { retryAfterMs })
    this.#limit.failed(request.ip)
    return new PlugboardError(code, TEXTS[code])
  }
}
