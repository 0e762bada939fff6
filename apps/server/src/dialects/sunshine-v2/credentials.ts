import { type Id, isId } from '@plugboard/core'
import type { ClientView, Hub, KeyAccount, KeyScope, WithId } from '@plugboard/hub'
import type { FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { jose } from '../../jose.js'
import { isSame } from '../same-secret.js'
import { claimsOf } from '../signed-token.js'
import type { Refusals } from '../wrong-credentials.js'
import { forbidden, unauthorized } from './errors.js'

/** The caller of a request. */
export interface Caller {
  scope: KeyScope
  key: WithId<KeyAccount>
  /** When the credentials end, in milliseconds since 1970; they may not. */
  endsAt?: number
}

/** Callers that need not be checked for each request. */
const MAX_REMEMBERED = 2_000

/** How ids of keys begin, by what the key is for. */
const PREFIXES: Readonly<Record<KeyScope, string>> = { app: 'app', integration: 'int', account: 'act' }

const KEY_ID = /^(app|int|act)_([0-9a-f]{24})$/

/** The id of a key in this API. Its prefix is the scope of the key. */
export const keyIdOf = ({ id, scope }: WithId<KeyAccount>): string => `${PREFIXES[scope]}_${id}`

/** The id that the domain knows; undefined for what can be none. */
export function parseKeyId(text: string): Id | undefined {
  const id = KEY_ID.exec(text)?.[2]
  return id && isId(id) ? id : undefined
}

/** Checks Basic credentials and bearer tokens. */
export class Credentials {
  readonly #hub: Hub
  readonly #refusals: Refusals
  /** Valid headers and their key, until the key changes. */
  readonly #right = new LRUCache<string, Caller>({ max: MAX_REMEMBERED })

  constructor(hub: Hub, refusals: Refusals) {
    this.#hub = hub
    this.#refusals = refusals
  }

  /** The caller, if the same header was valid before. Undefined: call {@link require}. */
  recall(header: string | undefined): Caller | undefined {
    const caller = header === undefined ? undefined : this.#right.get(header)
    if (!caller || !this.#hub.accounts.isCurrent(caller.key)) return undefined
    return caller.endsAt === undefined || Date.now() < caller.endsAt ? caller : undefined
  }

  /** @throws unauthorized, whatever is wrong, and forbidden for a token whose scope is not that of its key */
  async require(request: FastifyRequest): Promise<Caller> {
    const { authorization } = request.headers
    if (authorization === undefined) throw unauthorized()
    const [, scheme = '', value = ''] = /^(\w+) +(\S+)$/.exec(authorization) ?? []
    const check = { basic: this.#basic, bearer: this.#bearer }[scheme.toLowerCase()]
    const caller = await check?.call(this, value)
    if (!caller) {
      const refusal = this.#refusals.of(request, 'UNAUTHORIZED')
      throw refusal.code === 'RATE_LIMITED' ? refusal : unauthorized()
    }
    this.#right.set(authorization, caller)
    return caller
  }

  async #basic(value: string): Promise<Caller | undefined> {
    const text = Buffer.from(value, 'base64').toString()
    const colon = text.indexOf(':')
    const key = await this.#keyOf(text.slice(0, Math.max(colon, 0)))
    if (!key || !isSame(text.slice(colon + 1), this.#hub.accounts.secretOf(key))) return undefined
    return { scope: key.scope, key }
  }

  /** RFC 7519, HS256 alone: the key's secret signs it. */
  async #bearer(token: string): Promise<Caller | undefined> {
    const key = await this.#keyOf(await kidOf(token))
    if (!key) return undefined
    const secret = new TextEncoder().encode(this.#hub.accounts.secretOf(key))
    const claims = await claimsOf(token, secret)
    if (!claims) return undefined
    const { scope, exp } = claims
    if (scope !== key.scope) throw forbidden()
    return { scope: key.scope, key, ...(exp !== undefined && { endsAt: exp * 1000 }) }
  }

  async #keyOf(keyId: string): Promise<WithId<KeyAccount> | undefined> {
    const id = parseKeyId(keyId)
    const key = id && (await this.#hub.accounts.findKey(id))
    return key && keyIdOf(key) === keyId ? key : undefined
  }
}

/** The key that a token names, before its signature was looked at; empty when it names none. */
async function kidOf(token: string): Promise<string> {
  const { decodeProtectedHeader } = await jose()
  try {
    // The header is what the caller wrote: whatever the types say, it may hold anything.
    const kid: unknown = decodeProtectedHeader(token).kid
    return typeof kid === 'string' ? kid : ''
  } catch {
    return ''
  }
}

/** Minimum key scope of a route. */
export type Access = KeyScope

const RANK: Readonly<Record<KeyScope, number>> = { integration: 0, app: 1, account: 2 }

/** Whether a key is for as much as that. */
export const isEnough = ({ scope }: Caller, access: Access): boolean => RANK[scope] >= RANK[access]

/** @throws forbidden */
export function assertMay(caller: Caller, access: Access, appId: string | undefined): void {
  const { scope, key } = caller
  if (!isEnough(caller, access)) throw forbidden()
  if (appId !== undefined && scope !== 'account' && key.clientId !== appId) throw forbidden()
}

/** The app of a request, if it is cached. */
export const recallApp = (hub: Hub, appId: string | undefined): ClientView | undefined =>
  appId !== undefined && isId(appId) ? hub.clients.peek(appId) : undefined

/** The app of a request. */
export async function findApp(hub: Hub, appId: string): Promise<ClientView | undefined> {
  return isId(appId) ? hub.clients.find({ id: appId }) : undefined
}
