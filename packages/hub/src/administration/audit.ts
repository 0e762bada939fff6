import { createIdSource, type Id } from '@plugboard/core'
import { Collection, type Kept } from '../documents/collection.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT } from '../ports/stored-document.js'

export interface AuditOptions {
  store: Store
  now(): Date
  /** How long entries are kept, in milliseconds. 0: forever. */
  keepMs: number
}

/** What became of an action. `started`: it is in progress, or its process ended before the result was known. */
export type AuditOutcome = 'started' | 'done' | 'refused' | 'failed'

/** What an entry may say of a change: no secrets, and no text of messages. */
export type AuditDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** An action of an operator, of a program with the admin key, or of the holder of a link. */
export interface AuditEntry {
  /** Such as `client.rename`. */
  action: string
  actor: { kind: 'operator' | 'key' | 'tenant'; id: string; name: string }
  /** Address of the caller. */
  from: string
  requestId: string
  /** The client that it was about. */
  clientId?: Id
  /** Ids of what it was about, by the name of the parameter. */
  target?: Readonly<Record<string, string>>
  /** Names of the members that the request contained. */
  fields?: readonly string[]
  /** What the action itself says about the change. */
  details?: AuditDetails
  outcome: AuditOutcome
  /** Code of the error, if it did not succeed. */
  code?: string
  /** When it began, ISO 8601. */
  at: string
}

/** Which entries are wanted; all of the given ones must match. */
export interface AuditFilter {
  /** Id of the actor. */
  actor?: string | undefined
  action?: string | undefined
  clientId?: Id | undefined
  since?: Date | undefined
  until?: Date | undefined
}

type Key = 'actor' | 'action' | 'client'
type Keys = { readonly [key in Key]?: string | undefined }

/** One term for each combination, so that any filter is one lookup in an index. */
const termOf = (keys: Keys): string | undefined => {
  const given = (['actor', 'action', 'client'] as const).filter((key) => keys[key] !== undefined)
  return given.length === 0 ? undefined : JSON.stringify(given.flatMap((key) => [key, keys[key]]))
}

const keysOf = ({ actor, action, clientId }: AuditEntry): Keys => ({
  ...{ actor: actor.id, action },
  ...(clientId && { client: clientId }),
})

function termsOf(entry: AuditEntry): string[] {
  const { actor, action, client } = keysOf(entry)
  const combinations: Keys[] = [{ actor }, { action }, { actor, action }]
  if (client !== undefined)
    combinations.push({ client }, ...combinations.map((keys) => ({ ...keys, client })))
  return combinations.flatMap((keys) => termOf(keys) ?? [])
}

/** The audit log: every change by operators, newest last. Ids of entries are in the order of time. */
export class Audit {
  readonly #options: AuditOptions
  readonly #entries: Collection<AuditEntry>
  readonly #newId: () => Id

  constructor(options: AuditOptions) {
    this.#options = options
    this.#entries = new Collection<AuditEntry>(options.store, 'audit', { termsOf })
    this.#newId = createIdSource(() => options.now().getTime())
  }

  /** Records the start of an action, before anything is changed: so even a killed process leaves an entry. */
  async begin(entry: Omit<AuditEntry, 'at' | 'outcome'>): Promise<Id> {
    const id = this.#newId()
    await this.#entries.insert(NO_CLIENT, id, {
      ...entry,
      outcome: 'started',
      at: this.#options.now().toISOString(),
    })
    return id
  }

  /** Records what became of an action. */
  async end(
    id: Id,
    result: Pick<AuditEntry, 'outcome'> & Partial<Pick<AuditEntry, 'code' | 'details' | 'clientId'>>,
  ): Promise<void> {
    await this.#entries.change(NO_CLIENT, id, (entry) => entry && { ...entry, ...result })
  }

  /** Records an action with its result. */
  async record(entry: Omit<AuditEntry, 'at'>): Promise<void> {
    await this.#entries.insert(NO_CLIENT, this.#newId(), { ...entry, at: this.#options.now().toISOString() })
  }

  /** Newest first. `before`: the id of the last entry of the page before. */
  async list(
    { actor, action, clientId, since, until }: AuditFilter,
    { limit, before }: { limit: number; before?: Id | undefined },
  ): Promise<(AuditEntry & { id: Id })[]> {
    const term = termOf({ actor, action, client: clientId })
    const end = earlier(before, until && firstIdAt(until))
    const page = await this.#entries.list(NO_CLIENT, {
      ...{ limit, fromEnd: true },
      ...(term !== undefined && { term }),
      ...(end && { before: end }),
      ...(since && { after: lastIdBefore(since) }),
    })
    return page.reverse().map(({ id, data }: Kept<AuditEntry>) => ({ ...data, id }))
  }

  /** Removes entries that are older than they are kept, while `mayGoOn` returns true. */
  async purge(mayGoOn: () => boolean = () => true): Promise<void> {
    const { keepMs, now } = this.#options
    if (keepMs === 0) return
    const before = firstIdAt(new Date(now().getTime() - keepMs))
    for (;;) {
      const page = await this.#entries.list(NO_CLIENT, { limit: PURGE_PAGE, before })
      for (const { id } of page) {
        if (!mayGoOn()) return
        await this.#entries.remove(NO_CLIENT, id)
      }
      if (page.length < PURGE_PAGE) return
    }
  }
}

const PURGE_PAGE = 100

const earlier = (one: Id | undefined, other: Id | undefined): Id | undefined =>
  one && other ? (one < other ? one : other) : (one ?? other)

/** Ids begin with their time in milliseconds, in 12 hex digits. */
const atTime = (ms: number, rest: string): Id =>
  `${Math.max(0, ms).toString(16).padStart(12, '0')}${rest.repeat(12)}` as Id

const firstIdAt = (time: Date): Id => atTime(time.getTime(), '0')
const lastIdBefore = (time: Date): Id => atTime(time.getTime() - 1, 'f')
