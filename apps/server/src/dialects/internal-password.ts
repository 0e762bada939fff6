import type { FastifyInstance } from 'fastify'
import { isSame } from './admin-access.js'
import type { Refusals } from './refusals.js'

const HEADER = 'password'

export interface InternalPasswordSettings {
  /** Undefined: it is asked of nobody and sent to nobody. */
  internalPassword?: string | undefined
  /** URLs: the password is sent to webhooks at and below these. Default: to none. */
  internalWebhooks?: readonly string[] | undefined
}

/**
 * The password between the operator and all callers of the dialects, in the header `password`. What is called without a
 * dialect's credentials needs none: providers cannot send it, nor can readers of files and those who watch the server.
 */
export class InternalPassword {
  readonly #password: string | undefined
  readonly #receivers: readonly URL[]

  constructor({ internalPassword, internalWebhooks = [] }: InternalPasswordSettings) {
    this.#password = internalPassword
    this.#receivers = internalWebhooks.map((url) => new URL(url))
  }

  /** Asks it of every request of a dialect but preflights, with which a browser sends no header of a page. */
  requireIn(app: FastifyInstance, refusals: Refusals): void {
    const password = this.#password
    if (password === undefined) return
    app.addHook('onRequest', async (request) => {
      if (request.method === 'OPTIONS') return
      const isRight = isSame(request.headers[HEADER], password)
      refusals.assertChosen(request, { name: 'internal password', isRight, code: 'FORBIDDEN' })
    })
  }

  /** What a request to a webhook has beside its own headers: tenants choose the addresses, so only listed ones get it. */
  headersFor({ url }: { url: string }): { [HEADER]?: string } {
    const password = this.#password
    if (password === undefined || this.#receivers.length === 0 || !URL.canParse(url)) return {}
    const target = new URL(url)
    return this.#receivers.some((receiver) => isAtOrBelow(target, receiver)) ? { [HEADER]: password } : {}
  }
}

/** Both are parsed, so that no `..` is left in a path; a slash that is encoded could still hide one. */
function isAtOrBelow(target: URL, { origin, pathname }: URL): boolean {
  const above = pathname.replace(/\/+$/, '')
  if (target.origin !== origin) return false
  if (above === '') return true
  return (
    (target.pathname === above || target.pathname.startsWith(`${above}/`)) &&
    !/%(2f|5c)/i.test(target.pathname)
  )
}
