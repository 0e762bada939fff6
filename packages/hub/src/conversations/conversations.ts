import { type Conversation, type Id, newId, PlugboardError } from '@plugboard/core'
import { LRUCache } from 'lru-cache'
import { atMost } from '../cache.js'
import type { ClientView } from '../clients/directory.js'
import type { Usage } from '../clients/storage-usage.js'
import type { Dispatcher } from '../delivery/dispatcher.js'
import { channelOf, type Recipients } from '../delivery/recipients.js'
import type { EndpointStates } from '../delivery/to-channels/endpoint-states.js'
import type { Topic } from '../delivery/to-webhooks/webhook-format.js'
import type { Collection } from '../documents/collection.js'
import {
  type ConversationFacts,
  type ConversationView,
  type ExternalId,
  metadataTerm,
  nameOfExternal,
  termsOfConversation as termsOf,
} from '../documents/facts.js'
import type { Attachments } from '../files/attachments.js'
import { type Activity, changeKey, type MessageChange, type SecondForm } from '../log/activity.js'
import type { ConversationRecord } from '../log/endpoint-record.js'
import type { Entry, EntryType, NewEntry, StreamRef } from '../log/entry.js'
import { bytesOf, type Page, type Range } from '../log/page.js'
import { endpointTarget, type Target } from '../log/target.js'
import type { Append, Store } from '../ports/store.js'
import type { Users } from './users.js'

export interface ConversationsOptions {
  store: Store
  facts: Collection<ConversationFacts>
  recipients: Recipients
  dispatcher: Dispatcher
  users: Users
  attachments: Pick<Attachments, 'removeOf'>
  states: Pick<EndpointStates, 'removeOf'>
  usage: Usage
  now(): Date
  /** Maximum number of cached external ids. */
  maxCached: number
}

/** Data of a new conversation. */
export interface NewConversation {
  /** Given by the caller, so that a repetition returns the same conversation. */
  id?: Id
  /** Absent for a group. */
  userId?: Id
  facts?: ConversationFacts
}

/** The conversations of a client. */
export class Conversations {
  readonly #options: ConversationsOptions
  /** Ids by client and external id. The mapping only ends with the conversation. */
  readonly #ids: LRUCache<string, Id>

  constructor(options: ConversationsOptions) {
    this.#options = options
    this.#ids = new LRUCache({ ...atMost(options.maxCached) })
  }

  /** @throws NOT_FOUND for the user, CONFLICT if another conversation has the external id */
  async create(
    client: ClientView,
    { id = newId(), userId: user, facts }: NewConversation,
  ): Promise<ConversationView> {
    const { dispatcher } = this.#options
    const userId = user && (await this.#options.users.idOf(client, user))
    await this.#options.usage.take(client, 0)
    if (facts && !(await this.#options.facts.insert(client.id, id, facts))) {
      const isOwn = await this.#options.facts.find(client.id, { id })
      if (!isOwn) throw new PlugboardError('CONFLICT', 'another conversation already has this external id')
    }
    const { conversation, appended } = await this.#store(client, id, userId)
    if (appended.duplicate) return this.view(client, id)
    dispatcher.appended(appended)
    return { ...conversation, seq: 1, endpoints: [], facts: facts ?? {} }
  }

  /**
   * Returns the conversation with an external id. Creates it if it does not exist; concurrent calls create only one.
   * `of` returns the data of a new one.
   * @throws NOT_FOUND for the user
   */
  async open(
    client: ClientView,
    externalId: ExternalId,
    of: () => Omit<NewConversation, 'id'> | Promise<Omit<NewConversation, 'id'>>,
  ): Promise<{ id: Id; isNew: boolean }> {
    const name = nameOfExternal(externalId)
    const place = `${client.id} ${name}`
    for (;;) {
      const known = this.#ids.get(place) ?? (await this.#options.facts.find(client.id, { name }))?.id
      if (known && (await this.#isThere(client, known))) {
        this.#ids.set(place, known)
        return { id: known, isNew: false }
      }
      this.#ids.delete(place)
      await this.#options.usage.take(client, 0)
      const { userId, facts } = await of()
      const id = known ?? newId()
      const isOwn = await this.#options.facts.insert(client.id, id, { ...facts, externalId })
      if (!isOwn && !known) continue
      const made = await this.#begin(client, id, userId)
      if (made === 'deleted') await this.#options.facts.remove(client.id, id)
      else {
        this.#ids.set(place, id)
        return { id, isNew: made === 'new' }
      }
    }
  }

  async #isThere(client: ClientView, id: Id): Promise<boolean> {
    return (await this.#options.store.findConversation(client.id, id)) !== undefined
  }

  async #store(client: ClientView, id: Id, userId: Id | undefined) {
    const { store, dispatcher, now } = this.#options
    const conversation: Conversation = { id, clientId: client.id, createdAt: now() }
    if (userId) conversation.userId = userId
    const creating = store.createConversation(conversation, this.entry(client, id, 'conversation.new'))
    return { conversation, appended: await dispatcher.claiming(streamOf(client, id), creating) }
  }

  /** `there`: a concurrent call has created it. */
  async #begin(client: ClientView, id: Id, userId: Id | undefined): Promise<'new' | 'there' | 'deleted'> {
    const { dispatcher } = this.#options
    const { appended } = await this.#store(client, id, userId)
    if (appended.duplicate) return (await this.#isThere(client, id)) ? 'there' : 'deleted'
    dispatcher.appended(appended)
    return 'new'
  }

  /** The cached id of a conversation by external id. The conversation may be deleted. */
  recall(client: ClientView, externalId: ExternalId): Id | undefined {
    return this.#ids.get(`${client.id} ${nameOfExternal(externalId)}`)
  }

  /** @throws NOT_FOUND */
  async getExternal(client: ClientView, externalId: ExternalId): Promise<ConversationView> {
    const kept = await this.#options.facts.find(client.id, { name: nameOfExternal(externalId) })
    const conversation = kept && (await this.#options.store.findConversation(client.id, kept.id))
    if (!conversation) throw notFound()
    this.#ids.set(`${client.id} ${nameOfExternal(externalId)}`, conversation.id)
    return { ...conversation, facts: kept.data }
  }

  /**
   * Notes that a person opened a conversation without writing, and notifies the webhooks. `payload`: the data of what
   * opened it, as JSON text. With the same `dedupe` it is stored once. Undefined if the conversation does not exist.
   */
  async start(
    client: ClientView,
    id: Id,
    of: { id?: Id; dedupe?: string; payload?: string } = {},
  ): Promise<Entry | undefined> {
    return this.#append(client, id, { ...this.entry(client, id, 'conversation.started'), ...of })
  }

  /** An event entry of a conversation. */
  entry(client: ClientView, id: Id, type: Exclude<EntryType, 'void' | 'message' | 'activity'>): NewEntry {
    return this.#entry(client, id, type, type, '{}')
  }

  #entry(client: ClientView, id: Id, type: NewEntry['type'], topic: Topic, payload: string): NewEntry {
    const { recipients, dispatcher, now } = this.#options
    const owes = recipients.webhooks(client, topic)
    return { id: newId(), type, payload, at: now(), owes, claim: dispatcher.hasRoom(client.id, id) }
  }

  /**
   * Stores an activity and notifies the webhooks. An activity with the same `dedupe` is stored once. Returns its entry;
   * undefined if the conversation does not exist.
   */
  async note(
    client: ClientView,
    id: Id,
    activity: Activity,
    of: { id?: Id; dedupe?: string } = {},
  ): Promise<Entry | undefined> {
    // Only these activities are as large as a message.
    if (activity.type === 'edited') await this.#options.usage.take(client, 0)
    const topic: Topic = `activity.${activity.type}`
    return this.#append(client, id, {
      ...this.#entry(client, id, 'activity', topic, JSON.stringify(activity)),
      ...of,
    })
  }

  /**
   * Notes a change of a message that was made through the API: for the webhooks, and for the endpoints that have to show
   * it, after the message. A message is removed once. `received`: who had the message before it was removed.
   */
  async noteChange(
    client: ClientView,
    id: Id,
    activity: MessageChange & Activity,
    of: { entryId: Id; endpoints: readonly Target[]; received?: readonly Target[] },
  ): Promise<void> {
    const isEdit = activity.type === 'edited'
    // Only these activities are as large as a message.
    if (isEdit) await this.#options.usage.take(client, 0)
    const payload = JSON.stringify(of.received ? { ...activity, received: of.received } : activity)
    const entry = this.#entry(client, id, 'activity', `activity.${activity.type}`, payload)
    const dedupe = changeKey(activity, isEdit ? of.entryId : undefined)
    await this.#append(client, id, {
      ...{ ...entry, id: of.entryId, dedupe },
      owes: [...entry.owes, ...of.endpoints],
    })
  }

  /** Sends the second form of a part to the endpoint that refused the first. With the same `dedupe` it is sent once. */
  async sendSecondForm(
    client: ClientView,
    id: Id,
    part: SecondForm,
    endpointId: Id,
    dedupe: string,
  ): Promise<boolean> {
    const entry = this.#entry(client, id, 'activity', 'activity.second-form', JSON.stringify(part))
    const owes = [endpointTarget(endpointId)]
    return (await this.#append(client, id, { ...entry, dedupe, owes })) !== undefined
  }

  /** Undefined if the conversation does not exist. */
  async #append(client: ClientView, id: Id, { owes, ...entry }: NewEntry): Promise<Entry | undefined> {
    const { store, dispatcher, usage } = this.#options
    const append: Append = {
      ...streamOf(client, id),
      kind: 'conversation',
      entry,
      resolve: ({ endpoints }) => ({ owes, channel: channelOf(endpoints) }),
    }
    const appended = await dispatcher.claiming(append, store.append(append))
    if (appended && !appended.duplicate) {
      // Of other events, nothing is taken off when the conversation is deleted.
      if (entry.type === 'activity') usage.add(client.id, bytesOf(entry))
      dispatcher.appended(appended)
    }
    return appended?.entry
  }

  /** Whether any webhook wants this activity, or those who follow conversations. They get typing without the log. */
  isTold(client: ClientView, activity: Activity['type']): boolean {
    if (client.record.isStreamed && activity !== 'typing') return true
    return this.#options.recipients.webhooks(client, `activity.${activity}`).length > 0
  }

  /** @throws NOT_FOUND */
  async get(client: ClientView, id: Id): Promise<ConversationRecord> {
    const conversation = await this.#options.store.findConversation(client.id, id)
    if (!conversation) throw notFound()
    return conversation
  }

  /** A conversation with its facts. @throws NOT_FOUND */
  async view(client: ClientView, id: Id): Promise<ConversationView> {
    const [conversation, kept] = await Promise.all([
      this.get(client, id),
      this.#options.facts.find(client.id, { id }),
    ])
    return { ...conversation, facts: kept?.data ?? {} }
  }

  /** The existing ones, in the same order, with their facts. */
  async views(client: ClientView, conversations: readonly ConversationRecord[]): Promise<ConversationView[]> {
    const ids = conversations.map(({ id }) => id)
    const facts = await this.#options.facts.findAll(client.id, ids)
    return conversations.map((conversation) => ({
      ...conversation,
      facts: facts.get(conversation.id) ?? {},
    }))
  }

  /** All conversations of the client, in order of id. */
  async list(client: ClientView, range: Range): Promise<ConversationView[]> {
    return this.views(client, await this.#options.store.walkConversations(client.id, range))
  }

  /** The next number of a series of the client, from 1: numbers for people, such as tickets. */
  nextNumber(client: ClientView, series: string): Promise<number> {
    return this.#options.store.increment(client.id, `conversation ${series}`)
  }

  /** All conversations of the client with this metadata, in order of id. Without metadata: all. */
  async walk(
    client: ClientView,
    range: Range,
    metadata: readonly (readonly [key: string, value: string])[] = [],
  ): Promise<ConversationView[]> {
    const { store, facts } = this.#options
    const [term, ...others] = metadata.map(([key, value]) => metadataTerm(key, value))
    if (term === undefined) return this.views(client, await store.walkConversations(client.id, range))
    const found: ConversationView[] = []
    for (let rest = range; ; ) {
      const page = await facts.list(client.id, { ...rest, term })
      const fitting = page.filter(({ data }) => others.every((other) => termsOf(data).includes(other)))
      const views = await Promise.all(
        fitting.map(async ({ id, data }) => {
          const conversation = await store.findConversation(client.id, id)
          return conversation && { ...conversation, facts: data }
        }),
      )
      const there = views.filter((view) => view !== undefined)
      found.splice(range.fromEnd ? 0 : found.length, 0, ...there)
      const edge = range.fromEnd ? page[0]?.id : page.at(-1)?.id
      if (page.length < range.limit || found.length >= range.limit || !edge) break
      rest = range.fromEnd ? { ...range, before: edge } : { ...range, after: edge }
    }
    return range.fromEnd ? found.slice(-range.limit) : found.slice(0, range.limit)
  }

  /** Updates the facts of a conversation. @throws NOT_FOUND */
  async change(
    client: ClientView,
    id: Id,
    change: (facts: ConversationFacts) => ConversationFacts,
  ): Promise<ConversationView> {
    const conversation = await this.get(client, id)
    const facts = await this.#options.facts.change(client.id, id, (known) => change(known ?? {}))
    return { ...conversation, facts: facts ?? {} }
  }

  /** Closes a conversation. A closed one stays unchanged. `by`: in the terms of the dialect. */
  async close(client: ClientView, id: Id, by?: string): Promise<ConversationView> {
    const at = this.#options.now().toISOString()
    const closed = { at, ...(by !== undefined && { by }) }
    const view = await this.change(client, id, (facts) => (facts.closed ? facts : { ...facts, closed }))
    // Also if it was closed before: a process may have ended between the two steps.
    await this.note(client, id, { type: 'closed' }, { dedupe: `closed ${view.facts.closed?.at}` })
    return view
  }

  /** Opens a closed conversation again. An open one stays unchanged. @throws NOT_FOUND */
  async reopen(client: ClientView, id: Id): Promise<void> {
    let closedAt: string | undefined
    await this.change(client, id, (facts) => {
      if (!facts.closed) return facts
      const { closed, ...rest } = facts
      closedAt = closed.at
      return rest
    })
    if (closedAt !== undefined)
      await this.note(client, id, { type: 'reopened' }, { dedupe: `reopened ${closedAt}` })
  }

  /** Conversations without messages first, then by newest message. @throws NOT_FOUND for the user */
  async listByUser(client: ClientView, userId: Id, page: Page): Promise<Conversation[]> {
    const id = await this.#options.users.idOf(client, userId)
    return this.#options.store.listConversations(client.id, id, page)
  }

  /** Deletes the conversation immediately and cancels its pending deliveries. @throws NOT_FOUND */
  async delete(client: ClientView, id: Id): Promise<void> {
    const { store, facts, attachments, states, users, usage, dispatcher } = this.#options
    const known = (await facts.find(client.id, { id }))?.data
    const payload = known ? JSON.stringify({ facts: known }) : '{}'
    const entry = { ...this.entry(client, id, 'conversation.deleted'), payload }
    const sizes = [store.sizeOfMessages(client.id, id), store.sizeOfActivities(client.id, id)]
    const size = (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0)
    const deleting = store.deleteConversation(client.id, id, entry)
    const appended = await dispatcher.claiming(streamOf(client, id), deleting)
    if (appended) usage.add(client.id, -size)
    // Also if it is already deleted: a process may have ended between the two steps.
    await facts.remove(client.id, id)
    await states.removeOf(client.id, id)
    await attachments.removeOf({ clientId: client.id, conversationId: id })
    if (!appended) throw notFound()
    dispatcher.streamChanged(id)
    dispatcher.appended(appended)
    if (appended.userId) await users.forgetDefault(client, appended.userId, id)
  }
}

const streamOf = (client: ClientView, id: Id): StreamRef => ({ clientId: client.id, streamId: id })

const notFound = (): PlugboardError => new PlugboardError('NOT_FOUND', 'conversation not found')
