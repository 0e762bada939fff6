import { isUrl } from '@plugboard/core'
import type { FastifyInstance } from 'fastify'
import { isSame } from './same-secret.js'
import type { Refusals } from './wrong-credentials.js'

const HEADER = 'password'

export interface InternalPasswordSettings {
  /** Undefined: neither required nor sent. */
  internalPassword?: string | undefined
  /** The password is sent to webhooks at and below these URLs. Default: none. */
  internalWebhooks?: readonly string[] | undefined
}

/**
 * The shared secret required from all callers of the dialects, in the header `password`. Routes without credentials of a
 * dialect do not need it: providers, readers of files and monitoring cannot send it.
 */
export class InternalPassword {
  readonly #password: string | undefined
  readonly #receivers: readonly URL[]

  constructor({ internalPassword, internalWebhooks = [] }: InternalPasswordSettings) {
    this.#password = internalPassword
    this.#receivers = internalWebhooks.map((url) => new URL(url))
  }

  /** Requires it in every request of a dialect except preflights, in which browsers send no custom headers. */
  requireIn(app: FastifyInstance, refusals: Refusals): void {
    const password = this.#password
    if (password === undefined) return
    app.addHook('onRequest', async (request) => {
      if (request.method === 'OPTIONS') return
      const isRight = isSame(request.headers[HEADER], password)
      refusals.assertChosen(request, { name: 'internal password', isRight, code: 'FORBIDDEN' })
    })
  }

  /** Additional headers for a webhook request. Tenants choose the URLs, so only listed ones get the password. */
  headersFor({ url }: { url: string }): { [HEADER]?: string } {
    const password = this.#password
    if (password === undefined || this.#receivers.length === 0 || !isUrl(url)) return {}
    const target = new URL(url)
    return this.#receivers.some((receiver) => isAtOrBelow(target, receiver)) ? { [HEADER]: password } : {}
  }
}

/** Both URLs are parsed, so a path contains no `..`, but an encoded slash could hide one. */
function isAtOrBelow(target: URL, { origin, pathname }: URL): boolean {
  const above = pathname.replace(/\/+$/, '')
  if (target.origin !== origin) return false
  if (above === '') return true
  return (
    (target.pathname === above || target.pathname.startsWith(`${above}/`)) &&
    !/%(2f|5c)/i.test(target.pathname)
  )
}
