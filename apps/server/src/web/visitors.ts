import { type Id, isPlugboardError, newId, toUuid } from '@plugboard/core'
import type { Hub } from '@plugboard/hub'
import type { FastifyRequest } from 'fastify'
import type { Refusals } from '../dialects/wrong-credentials.js'
import { type Customer, customerIn } from './customer-tokens.js'
import { Refusal } from './errors.js'
import type { VisitorLimits } from './limits.js'
import type { Origin } from './origins.js'
import type { Site } from './sites.js'
import type { Session, VisitorTokens } from './visitor-tokens.js'

export interface VisitorsOptions {
  hub: Pick<Hub, 'users' | 'endpoints' | 'merges' | 'endedSessions'>
  tokens: VisitorTokens
  limits: Pick<VisitorLimits, 'admitGuest'>
  refusals: Refusals
  settings: {
    /** How long a guest's token is good after its last renewal, in milliseconds. */
    guestTokenTtl: number
    /** How long the token of a known customer is good, in milliseconds. */
    webCustomerTokenTtl: number
  }
  now?: () => Date
}

/** A visitor with a good token. */
export interface Visitor extends Session {
  /** The user, or the one that it was merged into. */
  userId: Id
  /** The address of the visitor in the channel: new conversations are there. */
  sender: string
}

/** A session, and the token that is for it. */
export interface Opened {
  session: Session
  token: string
}

interface Caller {
  site: Site
  origin: Origin
  request: FastifyRequest
}

/** The side of the business in addresses of this channel. */
export const IDENTITY = '*'
/** For a user without a conversation. */
const NO_THREAD = '*'

const BEARER = /^Bearer +(\S+) *$/i

/** Lets visitors in: guests, and customers whom the site vouches for. */
export class Visitors {
  readonly #options: VisitorsOptions
  readonly #now: () => Date
  /** Called when a session ends. */
  readonly #watching = new Map<Id, Set<() => void>>()

  constructor(options: VisitorsOptions) {
    this.#options = options
    this.#now = options.now ?? (() => new Date())
  }

  /** The visitor of a request. @throws TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED, RATE_LIMITED */
  async authenticate(caller: Caller): Promise<Visitor> {
    const { authorization } = caller.request.headers
    if (authorization === undefined)
      throw new Refusal('TOKEN_MISSING', 'the header "authorization" must be "Bearer TOKEN"')
    return this.#visitorOf(BEARER.exec(authorization)?.[1] ?? '', caller)
  }

  /**
   * A session: of a customer whom `token` names, who takes over what the guest of `known` has; of the visitor of `known`;
   * or of a new guest.
   * @throws JWT_INVALID; TOKEN_INVALID, TOKEN_EXPIRED for `known`, but not beside `token` for one of a customer; RATE_LIMITED
   */
  async open(
    caller: Caller,
    {
      token,
      known,
      language,
    }: { token?: string | undefined; known?: string | undefined; language?: string | undefined },
  ): Promise<Opened> {
    if (token !== undefined)
      return this.#signIn(caller, await customerIn(token, caller.site, this.#now()), known)
    if (known !== undefined) return this.#resume(caller, known)
    const { limits, settings } = this.#options
    const { site, request } = caller
    limits.admitGuest(request.ip, site.client.id)
    const id = newId()
    const userId = await this.#userAt(
      site,
      guestSender(id),
      language === undefined ? {} : { locale: language },
    )
    return this.#opened(caller, { id, userId, expiresAt: this.#after(settings.guestTokenTtl) })
  }

  /** Signs out: no token of the session is good any more. */
  async end({ id }: Session): Promise<void> {
    await this.#options.hub.endedSessions.end(id, { until: this.#lastExpiry() })
    this.#tellEnd(id)
  }

  /** Calls `ended` when this process ends the session. Returns a function that ends the watch. */
  watch({ id }: Session, ended: () => void): () => void {
    const watching = this.#watching.get(id) ?? new Set()
    this.#watching.set(id, watching.add(ended))
    return () => {
      watching.delete(ended)
      if (watching.size === 0 && this.#watching.get(id) === watching) this.#watching.delete(id)
    }
  }

  #tellEnd(id: Id): void {
    for (const ended of [...(this.#watching.get(id) ?? [])]) ended()
  }

  /** Whether a session was signed out, or its guest has signed in. */
  async hasEnded({ id }: Session): Promise<boolean> {
    return (await this.#options.hub.endedSessions.find(id)) !== undefined
  }

  async #visitorOf(token: string, caller: Caller): Promise<Visitor> {
    const { hub, tokens, refusals } = this.#options
    const { site, origin, request } = caller
    const session = await tokens.verify(token, site, origin)
    if (!session) {
      const error = refusals.of(request, 'UNAUTHORIZED')
      throw isPlugboardError(error, 'RATE_LIMITED') ? error : invalidToken()
    }
    if (session.expiresAt <= this.#now()) throw new Refusal('TOKEN_EXPIRED', 'the token has expired')
    const [ended, user] = await Promise.all([
      hub.endedSessions.find(session.id),
      hub.users.find(site.client, session.userId),
    ])
    if (ended || !user) throw invalidToken()
    return { ...session, userId: user.id, sender: senderOf(session) }
  }

  async #resume(caller: Caller, token: string): Promise<Opened> {
    const { id, userId, customer, expiresAt } = await this.#visitorOf(token, caller)
    // The site vouched for a customer at one time, and not for longer.
    if (customer !== undefined) return { session: { id, userId, customer, expiresAt }, token }
    const { guestTokenTtl } = this.#options.settings
    return this.#opened(caller, { id, userId, expiresAt: this.#after(guestTokenTtl) })
  }

  async #signIn(caller: Caller, customer: Customer, known: string | undefined): Promise<Opened> {
    const { hub, settings } = this.#options
    const { site } = caller
    const before = known === undefined ? undefined : await this.#before(known, caller, customer)
    const own = await this.#userAt(site, customerSender(customer.id), dataOf(customer))
    if (before?.guest) await hub.merges.merge(site.client, before.guest, own)
    const { id: userId } = await hub.users.get(site.client, own)
    await this.#keepProfile(site, userId, customer)
    const expiresAt = this.#after(settings.webCustomerTokenTtl)
    return this.#opened(caller, { id: before?.session ?? newId(), userId, customer: customer.id, expiresAt })
  }

  /**
   * What the session that the browser had before gives to the one of a customer: a guest's conversations, to one customer
   * only; its own session, so that signing out ends both tokens; nothing of another customer.
   */
  async #before(
    token: string,
    caller: Caller,
    { id: customer }: Customer,
  ): Promise<{ guest?: Id; session?: Id }> {
    const { hub, tokens } = this.#options
    const claimed = await tokens.verify(token, caller.site, caller.origin)
    const ended = claimed && (await hub.endedSessions.find(claimed.id))
    // Of a customer nothing is taken over, so the token may have expired or ended: the site vouches anew.
    if (claimed?.customer !== undefined)
      return claimed.customer === customer && !ended ? { session: claimed.id } : {}
    // A sign-in whose answer was lost is repeated with the token of the guest, which has ended since.
    if (claimed && ended?.heir === heirOf(customer)) return { guest: claimed.userId }
    const visitor = await this.#visitorOf(token, caller)
    const end = { until: this.#lastExpiry(), heir: heirOf(customer) }
    const { heir } = await hub.endedSessions.end(visitor.id, end)
    if (heir !== end.heir) throw invalidToken()
    this.#tellEnd(visitor.id)
    return { guest: visitor.userId }
  }

  async #opened({ site, origin }: Caller, session: Session): Promise<Opened> {
    return { session, token: await this.#options.tokens.sign(site, origin, session) }
  }

  #userAt(site: Site, sender: string, userData: Record<string, string>): Promise<Id> {
    const endpoint = { identity: IDENTITY, sender, thread: NO_THREAD }
    const data = Object.keys(userData).length > 0 ? { userData } : {}
    return this.#options.hub.endpoints.userAt(site.client, site.channel, endpoint, { isSeen: true, ...data })
  }

  /** What the site says of a customer replaces what was known. */
  async #keepProfile({ client }: Site, userId: Id, customer: Customer): Promise<void> {
    const { users } = this.#options.hub
    const { data, facts } = await users.view(client, userId)
    await users.setData(client, userId, { ...(facts.data ?? data), ...dataOf(customer) })
    const { picture } = customer
    if (picture !== undefined && facts.avatarUrl !== picture)
      await users.change(client, userId, (known) => ({ ...known, avatarUrl: picture }))
  }

  /** In whole seconds, as tokens name it. */
  #after(ms: number): Date {
    return new Date(Math.floor((this.#now().getTime() + ms) / 1000) * 1000)
  }

  /** When the last token has expired that any session may have now. */
  #lastExpiry(): Date {
    const { guestTokenTtl, webCustomerTokenTtl } = this.#options.settings
    return this.#after(Math.max(guestTokenTtl, webCustomerTokenTtl))
  }
}

/** A guest is whoever has the token of the session that began with the guest. */
const guestSender = (session: Id): string => `guest:${toUuid(session)}`
const customerSender = (customer: string): string => `customer:${customer}`
const senderOf = ({ id, customer }: Session): string =>
  customer === undefined ? guestSender(id) : customerSender(customer)

const heirOf = (customer: string): string => `customer ${customer}`

const invalidToken = (): Refusal =>
  new Refusal('TOKEN_INVALID', 'the token is not valid here, or was revoked')

/** Data of a user. The site vouches for the address. */
const dataOf = ({ name, email, locale }: Customer): Record<string, string> => ({
  ...(name !== undefined && { name }),
  ...(email !== undefined && { email, verified: 'email' }),
  ...(locale !== undefined && { locale }),
})
