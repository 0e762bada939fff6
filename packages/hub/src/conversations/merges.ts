import type { Id, User } from '@plugboard/core'
import type { ClientView, Directory } from '../clients/directory.js'
import type { Dispatcher } from '../delivery/dispatcher.js'
import { Collection } from '../documents/collection.js'
import type { UserView } from '../documents/facts.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT } from '../ports/stored-document.js'
import type { Participants } from './participants.js'
import type { Users } from './users.js'

export interface MergesOptions {
  store: Store
  dispatcher: Dispatcher
  directory: Directory
  users: Users
  participants: Participants
  now(): Date
}

/** A merge that is under way, stored before it begins. */
interface Merge {
  clientId: Id
  /** ISO 8601. */
  at: string
  users: readonly [Id, Id]
}

/**
 * Age at which a merge is done once more, in milliseconds. No call takes that long, so nothing that was under way for
 * the merged user is left behind, and what a process did not finish is finished.
 */
const SETTLED_MS = 60_000

/** Makes users one that turn out to be one person: the store's users, then their facts and their places in groups. */
export class Merges {
  readonly #options: MergesOptions
  readonly #underWay: Collection<Merge>

  constructor(options: MergesOptions) {
    this.#options = options
    this.#underWay = new Collection<Merge>(options.store, 'merge')
  }

  /** Merges the younger user into the older, unless they are one, or one does not exist. */
  async merge(client: ClientView, one: Id, other: Id): Promise<void> {
    const younger = one < other ? other : one
    const at = this.#options.now().toISOString()
    await this.#underWay.insert(NO_CLIENT, younger, { clientId: client.id, at, users: [one, other] })
    await this.#carryOut(client, one, other)
  }

  /** Finishes merges that a process did not finish. `mayGoOn`: false ends it early. */
  async sweep(mayGoOn: () => boolean): Promise<void> {
    const { directory, now } = this.#options
    for await (const { id, data } of this.#underWay.walk(NO_CLIENT)) {
      if (!mayGoOn()) return
      if (now().getTime() - Date.parse(data.at) < SETTLED_MS) continue
      const client = await directory.find({ id: data.clientId })
      if (client) await this.#carryOut(client, ...data.users)
      await this.#underWay.remove(NO_CLIENT, id)
    }
  }

  /** May be called again, by several processes at once. */
  async #carryOut(client: ClientView, one: Id, other: Id): Promise<void> {
    const { store, dispatcher, users } = this.#options
    const views = await users.views(client, [one, other])
    await this.#keepDefault(client, [...views.values()])
    const externalIdOf = (id: Id) => [...views.values()].find((view) => view.id === id)?.facts.externalId
    const merging = store.mergeUsers({
      ...{ clientId: client.id, users: [one, other] },
      event(younger, older) {
        const externalId = externalIdOf(younger)
        return users.mergedEntry(client, younger, {
          into: older,
          ...(externalId && { externalId: { ...externalId } }),
        })
      },
    })
    // The stream of either may be taken; of the older one, only if it was merged itself.
    const stream = (streamId: Id) => ({ clientId: client.id, streamId })
    const merged = await dispatcher.claiming(stream(one), dispatcher.claiming(stream(other), merging))
    if (merged) dispatcher.appended(merged.appended)
    for (const id of new Set([one, other, ...(merged ? [merged.younger] : [])])) {
      const user = await users.find(client, id)
      if (!user || user.id === id) continue
      dispatcher.userMerged(id, user.id)
      await this.#moveFacts(client, id, user)
    }
  }

  /** The default conversation of the older user stays one, also if only the younger has a chosen one. */
  async #keepDefault(client: ClientView, views: readonly UserView[]): Promise<void> {
    const { participants } = this.#options
    const [older, younger] = [...views].sort((a, b) => (a.id < b.id ? -1 : 1))
    // Of two that are one already, the conversations are those of both.
    if (!older || !younger?.facts.defaultConversationId || older.id === younger.id) return
    const known = await participants.defaultOf(client, older.id)
    if (known) await participants.claimDefault(client, older.id, known)
  }

  async #moveFacts(client: ClientView, younger: Id, older: User): Promise<void> {
    await this.#options.users.takeFacts(client, younger, older)
    await this.#options.participants.replace(client, younger, older.id)
  }
}
