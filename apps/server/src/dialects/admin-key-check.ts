import type { FastifyRequest } from 'fastify'
import { isLocalOnly, type Reach } from '../config/local-only.js'
import { isFromLocalProgram } from './local-program.js'
import { isSame } from './same-secret.js'

/** Settings for admin access. */
export interface AdminSettings extends Reach {
  /** Without one, all admin routes are closed. */
  adminKey?: string | undefined
  /** If proxies are declared, a request may come from anywhere. */
  trustedProxies?: readonly string[] | undefined
}

/**
 * Decides who can use admin routes and sync without credentials. Admin routes always need the key. A first sync does not
 * need it from a program on this machine, on a local-only server.
 */
export class AdminKeyCheck {
  readonly #key: string | undefined
  readonly #isLocal: boolean

  constructor(settings: AdminSettings) {
    this.#key = settings.adminKey
    this.#isLocal = isLocalOnly(settings) && !settings.trustedProxies?.length
  }

  /** Admin routes. */
  mayAdminister(key: unknown): boolean {
    return this.#key !== undefined && isSame(key, this.#key)
  }

  /** Whether a sync without credentials may create a client. */
  mayCreateClient(request: FastifyRequest, key: unknown): boolean {
    return this.mayAdminister(key) || (this.#isLocal && isFromLocalProgram(request))
  }
}
