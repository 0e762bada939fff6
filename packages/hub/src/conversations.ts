import { type Conversation, type Id, newId, PlugboardError } from '@plugboard/core'
import type { Dispatcher } from './delivery/dispatcher.js'
import type { ClientView } from './directory.js'
import type { ConversationRecord } from './endpoint-record.js'
import type { EntryType, NewEntry } from './entry.js'
import type { Owing } from './owing.js'
import type { Page, Store } from './store.js'
import type { Users } from './users.js'

export interface ConversationsOptions {
  store: Store
  owing: Owing
  dispatcher: Dispatcher
  users: Users
  now(): Date
}

/** Conversations with the people of a client. */
export class Conversations {
  readonly #options: ConversationsOptions

  constructor(options: ConversationsOptions) {
    this.#options = options
  }

  /** `id`: chosen before, so that a repetition answers the same conversation. @throws NOT_FOUND for the user */
  async create(client: ClientView, userId: Id, id: Id = newId()): Promise<Conversation> {
    const { store, dispatcher, now } = this.#options
    const conversation: Conversation = { id, clientId: client.id, userId, createdAt: now() }
    const appended = await store.createConversation(conversation, this.entry(client, id, 'conversation.new'))
    if (appended.duplicate) return this.get(client, id)
    dispatcher.appended(appended)
    return conversation
  }

  /** What tells of a conversation. */
  entry(client: ClientView, id: Id, type: Exclude<EntryType, 'void' | 'message'>): NewEntry {
    const { owing, dispatcher, now } = this.#options
    const owes = owing.webhooks(client, type)
    return { id: newId(), type, payload: '{}', at: now(), owes, claim: dispatcher.hasRoom(client.id, id) }
  }

  /** @throws NOT_FOUND */
  async get(client: ClientView, id: Id): Promise<ConversationRecord> {
    const conversation = await this.#options.store.findConversation(client.id, id)
    if (!conversation) throw notFound()
    return conversation
  }

  /** Those without messages first, then by newest message. @throws NOT_FOUND for the user */
  async listByUser(client: ClientView, userId: Id, page: Page): Promise<Conversation[]> {
    await this.#options.users.assertExists(client, userId)
    return this.#options.store.listConversations(client.id, userId, page)
  }

  /** Gone for everybody at once; cancels what its messages owe. @throws NOT_FOUND */
  async delete(client: ClientView, id: Id): Promise<void> {
    const { store, dispatcher } = this.#options
    const appended = await store.deleteConversation(
      client.id,
      id,
      this.entry(client, id, 'conversation.deleted'),
    )
    if (!appended) throw notFound()
    dispatcher.streamChanged(id)
    dispatcher.appended(appended)
  }
}

const notFound = (): PlugboardError => new PlugboardError('NOT_FOUND', 'there is no such conversation')
