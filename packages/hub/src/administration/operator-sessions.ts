import { createHash, randomBytes } from 'node:crypto'
import { type Id, newId } from '@plugboard/core'
import { Collection } from '../documents/collection.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT } from '../ports/stored-document.js'
import type { OperatorRole } from './operators.js'

export interface OperatorSessionsOptions {
  store: Store
  now(): Date
  /** How long a session lasts without a request, in milliseconds. */
  idleMs: number
}

/** Whose session it is: an operator's, or that of somebody with a link to one client. */
export type SessionOwner =
  | { operatorId: Id }
  | {
      clientId: Id
      role: Exclude<OperatorRole, 'admin'>
      linkId: Id
      /** What the session is called in the audit log. */
      name: string
    }

interface SessionRecord {
  owner: SessionOwner
  /** The token is not stored. */
  tokenHash: string
  createdAt: string
  usedAt: string
  /** When it ends even if it is used, ISO 8601. */
  until: string
  /** The address that it began from, and what the browser calls itself. */
  from: string
  userAgent?: string
}

/** A session that is good now. */
export interface OperatorSession extends Omit<SessionRecord, 'tokenHash'> {
  id: Id
  expiresAt: Date
}

/** Longest time that a session lasts even if it is used. */
const MAX_MS = 7 * 24 * 60 * 60 * 1000
/** A session is not written more often than this part of the time that it may be idle. */
const TOUCH = 20
/** Characters of what a browser calls itself. */
const MAX_USER_AGENT = 200
const TOKEN_BYTES = 32
const PAGE = 100

const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url')

const ownerTerm = (owner: SessionOwner): string =>
  'operatorId' in owner ? operatorTerm(owner.operatorId) : `link ${owner.linkId}`
const operatorTerm = (id: Id): string => `operator ${id}`

/**
 * Sessions of the console. They are kept in the store by the hash of their token and not cached, so that one begun at a
 * process is good at all, and one that was ended is good at none.
 */
export class OperatorSessions {
  readonly #options: OperatorSessionsOptions
  readonly #sessions: Collection<SessionRecord>

  constructor(options: OperatorSessionsOptions) {
    this.#options = options
    this.#sessions = new Collection<SessionRecord>(options.store, 'operator-session', {
      nameOf: ({ tokenHash }) => tokenHash,
      termsOf: ({ owner }) => [ownerTerm(owner)],
    })
  }

  /** Begins a session. `until`: its end, if it must not last as long as others. */
  async begin(
    owner: SessionOwner,
    { from, userAgent, until }: { from: string; userAgent?: string | undefined; until?: Date },
  ): Promise<{ token: string; session: OperatorSession }> {
    const token = randomBytes(TOKEN_BYTES).toString('base64url')
    const id = newId()
    const now = this.#options.now()
    const latest = Math.min(now.getTime() + MAX_MS, until?.getTime() ?? Number.POSITIVE_INFINITY)
    const session: SessionRecord = {
      ...{ owner, tokenHash: hashOf(token), from },
      ...{ createdAt: now.toISOString(), usedAt: now.toISOString(), until: new Date(latest).toISOString() },
      ...(userAgent !== undefined && { userAgent: userAgent.slice(0, MAX_USER_AGENT) }),
    }
    await this.#sessions.insert(NO_CLIENT, id, session)
    return { token, session: this.#asSession(id, session) }
  }

  /** The session of a token, if it is good now. Its idle time begins anew. */
  async use(token: string): Promise<OperatorSession | undefined> {
    const kept = await this.#sessions.find(NO_CLIENT, { name: hashOf(token) })
    if (!kept) return undefined
    const session = this.#asSession(kept.id, kept.data)
    const now = this.#options.now()
    if (session.expiresAt <= now) return undefined
    const isFresh = ({ usedAt }: SessionRecord): boolean =>
      now.getTime() - Date.parse(usedAt) < this.#options.idleMs / TOUCH
    if (isFresh(kept.data)) return session
    const used = await this.#sessions.change(NO_CLIENT, kept.id, (known) =>
      // It may have been ended meanwhile, and another request of the same page may have written the time.
      !known || isFresh(known) ? known : { ...known, usedAt: now.toISOString() },
    )
    return used && this.#asSession(kept.id, used)
  }

  /** False if there is none. */
  end(id: Id): Promise<boolean> {
    return this.#sessions.remove(NO_CLIENT, id)
  }

  /** Ends one session of an operator. False if the operator has none with this id. */
  async endOf(operatorId: Id, id: Id): Promise<boolean> {
    const kept = await this.#sessions.find(NO_CLIENT, { id })
    const owner = kept?.data.owner
    const isOwn = owner !== undefined && 'operatorId' in owner && owner.operatorId === operatorId
    return isOwn && this.end(id)
  }

  /** Ends all sessions of an operator, or of a link. Returns how many there were. */
  async endAll(of: { operatorId: Id; except?: Id | undefined } | { linkId: Id }): Promise<number> {
    const term = 'linkId' in of ? `link ${of.linkId}` : operatorTerm(of.operatorId)
    const except = 'operatorId' in of ? of.except : undefined
    let ended = 0
    for (let after: Id | undefined; ; ) {
      const page = await this.#sessions.list(NO_CLIENT, { term, limit: PAGE, ...(after && { after }) })
      for (const { id } of page) if (id !== except && (await this.end(id))) ended += 1
      after = page.at(-1)?.id
      if (page.length < PAGE) return ended
    }
  }

  /** Sessions of an operator that are good now, newest first. */
  async list(operatorId: Id, limit: number): Promise<OperatorSession[]> {
    const page = await this.#sessions.list(NO_CLIENT, {
      term: operatorTerm(operatorId),
      limit,
      fromEnd: true,
    })
    const now = this.#options.now()
    const sessions = page.map(({ id, data }) => this.#asSession(id, data))
    return sessions.filter(({ expiresAt }) => expiresAt > now).reverse()
  }

  /** Removes those that have expired, while `mayGoOn` returns true. */
  async purge(mayGoOn: () => boolean = () => true): Promise<void> {
    for await (const { id, data } of this.#sessions.walk(NO_CLIENT)) {
      if (!mayGoOn()) return
      if (this.#asSession(id, data).expiresAt <= this.#options.now()) await this.end(id)
    }
  }

  #asSession(id: Id, { tokenHash: _, ...session }: SessionRecord): OperatorSession {
    const idle = Date.parse(session.usedAt) + this.#options.idleMs
    return { ...session, id, expiresAt: new Date(Math.min(idle, Date.parse(session.until))) }
  }
}
