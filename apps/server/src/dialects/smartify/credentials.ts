import { isId, PlugboardError } from '@plugboard/core'
import type { ClientView, Hub, PersonAccount, WithId } from '@plugboard/hub'
import type { FastifyRequest } from 'fastify'
import type { JWTPayload } from 'jose'
import type { Passwords } from '../../http/passwords/password-check.js'
import { clientNameOf, parseToken } from '../messaging-v1/map.js'
import type { Refusals } from '../wrong-credentials.js'
import { externalUserIn, guestIn, personIn } from './claims.js'
import { orNone } from './lookups.js'
import { EXTERNAL_NAMESPACE, FORMAT_NAME } from './names.js'
import type { Caller } from './roles.js'
import { claimedIn, type ServerTokens, verifyForSubscription } from './tokens.js'

export interface CredentialsOptions {
  hub: Hub
  tokens: ServerTokens
  passwords: Passwords<WithId<PersonAccount>>
  refusals: Refusals
}

/** `email:password` of a Basic header, or the id and the token of a client. */
const BASIC = /^([^:]*):([\s\S]*)$/

/** Finds out who calls. */
export class Credentials {
  readonly #options: CredentialsOptions

  constructor(options: CredentialsOptions) {
    this.#options = options
  }

  /** @throws UNAUTHORIZED, whatever is wrong; RATE_LIMITED; INVALID for a header without a scheme */
  async identify(request: FastifyRequest): Promise<Caller> {
    const { authorization } = request.headers
    if (authorization === undefined) throw new PlugboardError('UNAUTHORIZED', 'Unauthorized')
    const [, scheme = '', value = ''] = /^(\S+)\s+(.*)$/s.exec(authorization) ?? []
    if (scheme === '') throw new NoScheme()
    const caller = await this.#callerOf(scheme.toLowerCase(), value.trim(), request)
    if (caller) return caller
    throw this.#options.refusals.of(request, 'UNAUTHORIZED')
  }

  async #callerOf(scheme: string, value: string, request: FastifyRequest): Promise<Caller | undefined> {
    if (scheme === 'jwt') return this.#byToken(value)
    if (scheme !== 'basic') return undefined
    const [, name = '', secret = ''] = BASIC.exec(Buffer.from(value, 'base64').toString('utf8')) ?? []
    if (!name.includes('@')) return this.#byClient(name, secret)
    const person = await this.#options.passwords.check({ email: name, password: secret, from: request.ip })
    return person && { kind: 'person', person }
  }

  async #byClient(name: string, secret: string): Promise<Caller | undefined> {
    const token = parseToken(secret)
    if (!token || name === '') return undefined
    const client = await this.#options.hub.clients.authenticate(
      isId(name) ? { id: name } : clientNameOf(name),
      token.secret,
      token.id,
    )
    return client && { kind: 'client', client }
  }

  async #byToken(token: string): Promise<Caller | undefined> {
    const claimed = await claimedIn(token)
    if (claimed?.by === 'server') {
      const claims = await this.#options.tokens.verify(token)
      return claims && this.#byOwnClaims(claims)
    }
    if (claimed?.by === 'subscription') return this.#bySubscription(token, claimed.id)
    return undefined
  }

  async #byOwnClaims(claims: JWTPayload): Promise<Caller | undefined> {
    const guest = guestIn(claims)
    if (guest) return { kind: 'guest', ...guest }
    const known = personIn(claims)
    const person = known && (await this.#options.hub.accounts.findPerson({ id: known.id }))
    return person && known.isOf(person) ? { kind: 'person', person } : undefined
  }

  /** A holder of the secret can act only as the subscription or as an end user. */
  async #bySubscription(token: string, id: string): Promise<Caller | undefined> {
    const found = await this.verifySubscription(token, id)
    if (!found) return undefined
    const { client, webhook, claims } = found
    if (claims.sub === 'subscription') return { kind: 'subscription', clientId: client.id, webhook }
    const external = externalUserIn(claims)
    if (!external || (await isOfBusiness(this.#options.hub, client, external.id))) return undefined
    const externalId = { namespace: EXTERNAL_NAMESPACE, value: external.id }
    const user = await orNone(this.#options.hub.users.getExternal(client, externalId))
    return { kind: 'user', clientId: client.id, id: external.id, name: external.fullName, userId: user?.id }
  }

  /** The claims of a token that is signed with the secret of the subscription that it names. */
  async verifySubscription(token: string, id: string) {
    const found = isId(id) ? await this.#options.hub.webhooks.locate(id, FORMAT_NAME) : undefined
    const claims = found && (await verifyForSubscription(found.webhook, token))
    return found && claims && { ...found, claims }
  }
}

/**
 * Whether an id is that of somebody who acts for the business. Receivers may take ids that differ in the case of letters
 * for the same, so it does not count.
 */
export async function isOfBusiness(hub: Hub, { id: clientId, webhooks }: ClientView, id: string) {
  const lower = id.toLowerCase()
  if (!isId(lower)) return false
  if (lower === clientId || webhooks.some((webhook) => webhook.id === lower)) return true
  return (await hub.accounts.findPerson({ id: lower })) !== undefined
}

/** A header that names no scheme is a bad request, and no wrong credential. */
export class NoScheme extends Error {
  constructor() {
    super('the Authorization header names no scheme')
    this.name = 'NoScheme'
  }
}
