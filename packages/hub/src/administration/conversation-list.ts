import { type Id, isPlugboardError } from '@plugboard/core'
import type { ClientView } from '../clients/directory.js'
import { channelRefOf } from '../clients/open-integration.js'
import type { Conversations } from '../conversations/conversations.js'
import type { Users } from '../conversations/users.js'
import type { ExternalId } from '../documents/facts.js'
import { type ConversationRecord, encodeChannel } from '../log/endpoint-record.js'
import type { Entry } from '../log/entry.js'
import type { ConversationState, RecentConversation, RecentPage } from '../log/recent.js'
import type { Store } from '../ports/store.js'
import type { People } from './people.js'

/** Which conversations are wanted; all of the given members must match. */
export interface ConversationFilter {
  userId?: Id
  /** The address of a person at any channel. */
  identity?: string
  /** Of the conversation or its user, in any of these namespaces. */
  externalId?: { value: string; namespaces: readonly string[] }
  /** Name of a channel. */
  channel?: string
  integrationId?: Id
  /** Active at this time or later. */
  since?: Date
  /** Active at this time or earlier. */
  until?: Date
}

/** A conversation as operators see it in a list. */
export interface ListedConversation extends ConversationRecord {
  /** Time of its newest message, or when it was created. */
  lastActivityAt: Date
  /** Its newest message, unless that is large. */
  newest?: Entry
  state: Omit<ConversationState, 'id'>
}

export interface ConversationListOptions {
  store: Pick<
    Store,
    | 'recentConversations'
    | 'newestMessages'
    | 'conversationStates'
    | 'findPlaces'
    | 'findConversation'
    | 'findConversations'
    | 'walkConversations'
  >
  conversations: Pick<Conversations, 'getExternal'>
  users: Pick<Users, 'getExternal'>
  people: Pick<People, 'findByIdentity'>
}

/** Most conversations that a search finds which is about one person. */
const MAX_FOUND = 200

/** Lists the conversations of a client for its operators. */
export class ConversationList {
  readonly #options: ConversationListOptions

  constructor(options: ConversationListOptions) {
    this.#options = options
  }

  /** By newest activity. `next`: where to continue; absent at the end, and for a search by person, which has one page. */
  async list(
    client: ClientView,
    filter: ConversationFilter,
    { limit, before }: Pick<RecentPage, 'limit' | 'before'>,
  ): Promise<{ items: ListedConversation[]; next?: RecentPage['before'] }> {
    const channels = channelsOf(client, filter)
    if (filter.userId ?? filter.identity ?? filter.externalId) {
      const found = await this.#ofPerson(client, filter)
      const newest = found
        .filter((record) => isWithin(record, filter, channels))
        .sort((a, b) => activityOf(b).getTime() - activityOf(a).getTime() || (a.id < b.id ? 1 : -1))
      return { items: await this.#listed(client, newest.slice(0, MAX_FOUND)) }
    }
    const { since, until } = filter
    const page = { limit, ...(before && { before }), ...(since && { since }), ...(until && { until }) }
    const records = await this.#recent(client, page, channels)
    const last = records.at(-1)
    const items = await this.#listed(client, records)
    if (!last || records.length < limit) return { items }
    return { items, next: { activeAt: last.activeAt, id: last.id } }
  }

  /** Undefined if there is no such conversation. */
  async find(client: ClientView, id: Id): Promise<ListedConversation | undefined> {
    const record = await this.#options.store.findConversation(client.id, id)
    return record && (await this.#listed(client, [record]))[0]
  }

  /** Of several channels, the lists are merged. */
  async #recent(
    client: ClientView,
    page: RecentPage,
    channels: readonly string[] | undefined,
  ): Promise<RecentConversation[]> {
    const { store } = this.#options
    if (!channels) return store.recentConversations(client.id, page)
    const lists = await Promise.all(
      channels.map((channel) => store.recentConversations(client.id, { ...page, channel })),
    )
    const all = new Map(lists.flat().map((record) => [record.id, record]))
    return [...all.values()].sort(byPlace).slice(0, page.limit)
  }

  async #ofPerson(client: ClientView, filter: ConversationFilter): Promise<ConversationRecord[]> {
    const sets: Promise<ConversationRecord[]>[] = []
    const { userId, identity, externalId } = filter
    if (userId) sets.push(this.#ofUser(client, userId))
    if (externalId) sets.push(this.#ofExternal(client, externalId))
    if (identity !== undefined) sets.push(this.#ofIdentity(client, identity))
    const [first = [], ...others] = await Promise.all(sets)
    return first.filter(({ id }) => others.every((set) => set.some((other) => other.id === id)))
  }

  /** At an address, and those of people who have it beside another one. */
  async #ofIdentity(client: ClientView, identity: string): Promise<ConversationRecord[]> {
    const { people, store } = this.#options
    const [places, found] = await Promise.all([
      store.findPlaces(client.id, identity, MAX_FOUND),
      people.findByIdentity(client, identity),
    ])
    const ids = [...new Set(places.map(({ conversationId }) => conversationId))]
    const users = new Set(found.map(({ id }) => id))
    const sets = await Promise.all([
      store.findConversations(client.id, ids),
      ...[...users].map((id) => this.#ofUser(client, id)),
    ])
    return [...new Map(sets.flat().map((record) => [record.id, record])).values()]
  }

  async #ofExternal(
    client: ClientView,
    { value, namespaces }: { value: string; namespaces: readonly string[] },
  ): Promise<ConversationRecord[]> {
    const { store, conversations, users } = this.#options
    const found = await Promise.all(
      namespaces.map(async (namespace): Promise<ConversationRecord[]> => {
        const externalId: ExternalId = { namespace, value }
        const [conversation, user] = await Promise.all([
          unlessMissing(conversations.getExternal(client, externalId)),
          unlessMissing(users.getExternal(client, externalId)),
        ])
        const own = conversation ? await store.findConversations(client.id, [conversation.id]) : []
        return user ? [...own, ...(await this.#ofUser(client, user.id))] : own
      }),
    )
    return [...new Map(found.flat().map((record) => [record.id, record])).values()]
  }

  #ofUser(client: ClientView, userId: Id): Promise<ConversationRecord[]> {
    return this.#options.store.walkConversations(client.id, { userId, limit: MAX_FOUND, fromEnd: true })
  }

  /** Newest activity first, to the millisecond. Two reads of the store, for however many conversations. */
  async #listed(client: ClientView, records: readonly ConversationRecord[]): Promise<ListedConversation[]> {
    const { store } = this.#options
    const ids = records.map(({ id }) => id)
    const [messages, states] = await Promise.all([
      store.newestMessages(client.id, ids),
      store.conversationStates(client.id, ids),
    ])
    const newest = new Map(messages.map((entry) => [entry.streamId, entry]))
    const stateOf = new Map(states.map(({ id, ...state }) => [id, state]))
    const items = records.map((record): ListedConversation => {
      const { id } = record
      const message = newest.get(id)
      return {
        ...record,
        lastActivityAt: activityOf(record),
        ...(message && { newest: message }),
        state: stateOf.get(id) ?? { pending: 0, dead: 0 },
      }
    })
    return items.sort(
      (a, b) => b.lastActivityAt.getTime() - a.lastActivityAt.getTime() || (a.id < b.id ? 1 : -1),
    )
  }
}

/** The channels of endpoints that a filter wants, as the store has them. Undefined: any. */
function channelsOf(
  { integrations }: ClientView,
  { channel, integrationId }: ConversationFilter,
): string[] | undefined {
  if (channel === undefined && integrationId === undefined) return undefined
  const wanted = [...integrations.values()].filter(
    (each) =>
      (channel === undefined || each.channel === channel) &&
      (integrationId === undefined || each.id === integrationId),
  )
  const texts = wanted.map((each) => encodeChannel(channelRefOf(each)))
  // Its endpoints stay when an integration is removed, and a custom channel has none.
  return integrationId === undefined && channel !== undefined ? [...new Set([channel, ...texts])] : texts
}

const activityOf = ({ lastMessageAt, createdAt }: ConversationRecord): Date => lastMessageAt ?? createdAt

function isWithin(
  record: ConversationRecord,
  { since, until }: ConversationFilter,
  channels: readonly string[] | undefined,
): boolean {
  const { endpoints } = record
  const at = activityOf(record)
  if ((since && at < since) || (until && at > until)) return false
  return !channels || endpoints.some(({ channel }) => channels.includes(encodeChannel(channel)))
}

const byPlace = (a: RecentConversation, b: RecentConversation): number =>
  b.activeAt.getTime() - a.activeAt.getTime() || (a.id < b.id ? 1 : -1)

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found
  } catch (error) {
    if (isPlugboardError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}
