import type { WebChatEvents } from '../options.js'
import type { Keep } from '../storage.js'
import { HubError, type Session, type VisitorApi } from './api.js'
import { textOf } from './message.js'
import type { Tabs } from './tabs.js'

export interface VisitorSessionOptions {
  api: VisitorApi
  keep: Keep
  tabs: Tabs
  /** Language of the chat. */
  language: string
  /** The customer that the page has signed in, or `null` for nobody. */
  customer: string | null | undefined
  /** The chat was removed from the page. */
  ended: AbortSignal
  emit<T extends keyof WebChatEvents>(event: T, data: WebChatEvents[T]): void
  /** The guest who was here is known to nobody any more. What they have not sent belongs to who comes. */
  onUnreachable(): Promise<void>
  /** Who comes is somebody else: nothing of the one before may stay. */
  onOther(): Promise<void>
}

/** Who the visitor is: the token that this browser keeps, and the token of the site until the hub has seen it. */
export class VisitorSession {
  readonly #options: VisitorSessionOptions
  /** The token of the site for a customer who is to be signed in. */
  #customer: string | undefined
  /** The last token of the site that the hub refused. */
  #refused: string | undefined
  #entering: Promise<boolean> | undefined

  constructor(options: VisitorSessionOptions) {
    this.#options = options
    this.#customer = options.customer ?? undefined
  }

  /** Nobody was here before, and the page has named nobody. */
  get isNew(): boolean {
    return this.#options.keep.get().token === undefined && this.#customer === undefined
  }

  /** Whether a customer is being signed in. */
  get isChanging(): boolean {
    return this.#customer !== undefined
  }

  /**
   * Who is to be signed in with the next {@link ensure}; undefined: nobody. False if the hub has just refused this token: a
   * page that answers `expired` with the token that it has would go round in circles.
   */
  identify(token: string | undefined): boolean {
    if (token !== undefined && token === this.#refused) {
      console.warn(
        'Plugboard: identify got the token that is not valid once more; the site has to sign a new one',
      )
      return false
    }
    this.#customer = token
    return true
  }

  /** The session of this browser; whether it was made just now. Calls and tabs at the same time get one session. */
  async ensure(): Promise<boolean> {
    this.#entering ??= this.#ensureOnce().finally(() => {
      this.#entering = undefined
    })
    const isNew = await this.#entering
    // The page may have identified the visitor meanwhile.
    return this.#customer === undefined ? isNew : this.ensure()
  }

  async #ensureOnce(): Promise<boolean> {
    const { tabs, ended } = this.#options
    let isNew = false
    await tabs.alone('session', ended, async () => {
      isNew = await this.#create()
    })
    return isNew
  }

  async #create(): Promise<boolean> {
    const { api, keep, language, tabs, onOther } = this.#options
    const customer = this.#customer
    const { token, isGuest, userId, renewAt = 0 } = keep.get()
    const isRenewal = token !== undefined && customer === undefined
    if (isRenewal && !(isGuest && Date.now() > renewAt)) return false
    const guest = token === undefined ? {} : { guest: token }
    const session = await (customer === undefined
      ? api.createSession({ language, ...guest })
      : this.#ofCustomer(customer, guest))
    if (token !== undefined && keep.get().token === undefined) throw new Error('signed out meanwhile')
    // A customer is another person than the one who was here before, unless that was a guest.
    if (userId !== session.userId && token !== undefined && !isGuest) await onOther()
    const { expiresAt, ...kept } = session
    keep.set({
      ...kept,
      renewAt: (Date.now() + Date.parse(expiresAt)) / 2,
      customer: kept.isGuest ? undefined : (customer && subjectOf(customer)) || keep.get().customer,
    })
    if (this.#customer === customer) this.#customer = undefined
    if (!isRenewal) tabs.tell({ type: 'session' })
    return token === undefined && customer === undefined
  }

  /** A token of the site that is no longer valid makes nobody a customer: the page hears of it, the visitor goes on. */
  async #ofCustomer(token: string, guest: { guest?: string }): Promise<Session> {
    const { api, keep, language, emit, onUnreachable } = this.#options
    try {
      return await api.createSession({ language, token, ...guest })
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      const isGuestGone = guest.guest !== undefined && error.code.startsWith('TOKEN_')
      // The site says who it is; what the guest had cannot be reached by anybody.
      if (isGuestGone) {
        await onUnreachable()
        return this.#ofCustomer(token, {})
      }
      if (error.code !== 'JWT_INVALID') throw error
      this.#refused = token
      // The page hears that, and its developer why.
      console.warn(`Plugboard: the token of identify is not valid: ${error.message}`)
      emit('expired', undefined)
      const { isGuest, customer } = keep.get()
      // Goes on as whoever was here, but never as another customer.
      const isSame = isGuest || (customer !== undefined && customer === subjectOf(token))
      return api.createSession({ language, ...(isSame && guest) })
    }
  }
}

/** Whom a token of the site is for, as it says itself. */
function subjectOf(token: string): string | undefined {
  try {
    const [, claims = ''] = token.split('.')
    const { sub } = JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/')))
    return textOf(sub)
  } catch {
    return undefined
  }
}
