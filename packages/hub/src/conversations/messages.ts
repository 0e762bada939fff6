import {
  capabilitiesAt,
  contentFaults,
  type Id,
  type Issue,
  invalid,
  type JsonObject,
  type Message,
  type MessageDetails,
  newId,
  PlugboardError,
} from '@plugboard/core'
import { canChange } from '../channels/can-change.js'
import type { Channels } from '../channels/channels.js'
import type { ClientView } from '../clients/directory.js'
import { integrationOf } from '../clients/open-integration.js'
import type { Usage } from '../clients/storage-usage.js'
import type { Dispatcher } from '../delivery/dispatcher.js'
import { channelOf, type Posting, type Recipients } from '../delivery/recipients.js'
import type { Feedback } from '../log/activity.js'
import { sourceOf } from '../log/dedupe.js'
import type { EndpointRecord } from '../log/endpoint-record.js'
import type { Entry } from '../log/entry.js'
import { bytesOf, type MessagePage } from '../log/page.js'
import { hasReceived } from '../log/progress.js'
import { endpointTarget, type Target } from '../log/target.js'
import type { Append, Appended, Store } from '../ports/store.js'
import type { Conversations } from './conversations.js'
import { messageDetailsOf } from './message-details.js'
import type { Users } from './users.js'

/** A message to post. */
export interface Post extends Posting {
  conversationId: Id
  payload: JsonObject
  /** The message that it replies to, for collect. */
  incomingId?: Id
  collectUntil?: Date
  /** Given by the caller, so that a repetition returns the same message. */
  id?: Id
  /** The provider's event id: the same event creates one message. */
  dedupe?: string
  details?: MessageDetails
  /**
   * Path of the payload in the request. If it is set, a payload of the business that a channel of the conversation can
   * never show is rejected. Default: the payload is accepted, and its delivery fails.
   */
  payloadPath?: readonly string[]
}

export interface MessagesOptions {
  store: Store
  channels: Pick<Channels, 'find' | 'runtime'>
  recipients: Recipients
  dispatcher: Dispatcher
  users: Users
  conversations: Conversations
  usage: Usage
  now(): Date
}

/** The messages of conversations. */
export class Messages {
  readonly #options: MessagesOptions

  constructor(options: MessagesOptions) {
    this.#options = options
  }

  /**
   * Posts a message. When this resolves, it is on disk with its recipients.
   * @throws NOT_FOUND, NO_SPACE, INVALID if `payloadPath` is set and a channel cannot show the payload
   */
  async post(client: ClientView, posted: Post): Promise<Message> {
    const { store, recipients, dispatcher, users, usage, now } = this.#options
    const { conversationId, author } = posted
    let post = posted
    if (author !== 'business' && !users.isKnown(client, author.userId)) {
      const userId = await users.idOf(client, author.userId)
      if (userId !== author.userId) post = { ...posted, author: { userId } }
    }
    if (post.payloadPath) await this.#assertShown(client, post, post.payloadPath)
    const claim = dispatcher.hasRoom(client.id, conversationId)
    const entryToAdd = entryOf(post, now(), claim)
    const size = bytesOf(entryToAdd)
    const wait = usage.take(client, size)
    if (wait) await wait
    let appended: Appended | undefined
    try {
      const append: Append = {
        clientId: client.id,
        streamId: conversationId,
        kind: 'conversation',
        entry: entryToAdd,
        resolve: (stream) => ({
          owes: recipients.message(client, stream, post),
          channel: channelOf(stream.endpoints),
        }),
      }
      appended = await dispatcher.claiming(append, store.append(append))
    } finally {
      if (appended?.duplicate !== false) usage.add(client.id, -size)
    }
    if (!appended) throw new PlugboardError('NOT_FOUND', 'conversation not found')
    const { entry, duplicate } = appended
    if (!duplicate) dispatcher.appended(appended)
    // Repeating the post of a deleted message fails; a provider that repeats an event gets a success.
    else if (entry.deletedAt && post.dedupe === undefined) throw notFound()
    return asMessage(entry)
  }

  /**
   * Notifies the webhooks of what a user thinks of a message of its conversation. Nothing is kept if no webhook wants it.
   * @throws NOT_FOUND for the message, also for one of another user's conversation; NO_SPACE
   */
  async rate(client: ClientView, userId: Id, id: Id, feedback: Feedback): Promise<void> {
    const { conversations, users, usage } = this.#options
    const { streamId } = await this.getEntry(client, id)
    const [conversation, own] = await Promise.all([
      conversations.get(client, streamId),
      users.idOf(client, userId),
    ])
    if (conversation.userId !== own) throw notFound()
    if (!conversations.isTold(client, 'feedback')) return
    await usage.take(client, 0)
    await conversations.note(client, streamId, { type: 'feedback', messageId: id, userId: own, feedback })
  }

  /** Channels that take any payload, and webhooks, can read what nobody else can. */
  async #assertShown(client: ClientView, post: Post, payloadPath: readonly string[]): Promise<void> {
    if (post.author !== 'business' || isPlainText(post.payload)) return
    // The strictest: a channel that shows texts only.
    if (contentFaults(post.payload, []).length === 0) return
    const { store, recipients } = this.#options
    const conversation = await store.findConversation(client.id, post.conversationId)
    if (!conversation) throw new PlugboardError('NOT_FOUND', 'conversation not found')
    const owed = recipients.message(client, conversation, post)
    this.#assertChannelsShow(post.payload, conversation.endpoints, owed, payloadPath)
  }

  #assertChannelsShow(
    payload: JsonObject,
    endpoints: readonly EndpointRecord[],
    owed: readonly Target[],
    payloadPath: readonly string[],
  ): void {
    const faultsAt = ({ id, channel, ...endpoint }: EndpointRecord): Issue[] => {
      const known = this.#options.channels.find(channel.name)
      const content = known ? capabilitiesAt(known.capabilities, endpoint).content : 'any'
      return content === 'any' || !owed.includes(endpointTarget(id)) ? [] : contentFaults(payload, content)
    }
    const faults = endpoints.map(faultsAt).find(({ length }) => length > 0) ?? []
    if (faults.length === 0) return
    throw invalid(...faults.map(({ path, message }) => ({ path: [...payloadPath, ...path], message })))
  }

  /** @throws NOT_FOUND */
  async get(client: ClientView, id: Id): Promise<Message> {
    return asMessage(await this.getEntry(client, id))
  }

  /** @throws NOT_FOUND */
  async getEntry(client: ClientView, id: Id): Promise<Entry> {
    const entry = await this.#options.store.findEntry(client.id, id)
    if (entry?.type !== 'message' || entry.deletedAt) throw notFound()
    return entry
  }

  /** Newest first. @throws NOT_FOUND for the conversation */
  async list(client: ClientView, conversationId: Id, page: MessagePage): Promise<Message[]> {
    const entries = await this.#options.store.listMessages(client.id, conversationId, page)
    if (!entries) throw new PlugboardError('NOT_FOUND', 'conversation not found')
    return entries.map(asMessage)
  }

  /**
   * Changes the content of a message, and notifies the webhooks. Endpoints whose channel can edit show the new content,
   * after the message. `payloadPath`: as in {@link Post}; `details`: of the message as it is, returns those to store.
   * @throws NOT_FOUND, NO_SPACE, INVALID if `payloadPath` is set and a channel cannot show the payload
   */
  async edit(
    client: ClientView,
    id: Id,
    to: {
      payload: JsonObject
      details: (known: MessageDetails) => MessageDetails
      payloadPath?: readonly string[]
    },
  ): Promise<Message> {
    const { store, conversations, dispatcher, usage } = this.#options
    const { payload, payloadPath } = to
    const before = await this.getEntry(client, id)
    const { streamId } = before
    const conversation = await store.findConversation(client.id, streamId)
    const endpoints = conversation?.endpoints ?? []
    if (payloadPath && before.author === 'business')
      this.#assertChannelsShow(payload, endpoints, before.owes, payloadPath)
    const entryId = newId()
    const details = { ...to.details(messageDetailsOf(before)), edit: entryId }
    const text = { payload: JSON.stringify(payload), details: JSON.stringify(details) }
    const growth = bytesOf(text) - bytesOf(before)
    // The new content is stored a second time, in the notification.
    await usage.take(client, 0)
    if (!(await store.editMessage(client.id, streamId, id, text))) throw notFound()
    usage.add(client.id, growth)
    dispatcher.streamChanged(streamId)
    const activity = { type: 'edited', messageId: id, payload } as const
    const changing = await this.#endpointsThatCan('edit', client, before, endpoints)
    await conversations.noteChange(client, streamId, activity, { entryId, endpoints: changing })
    return this.get(client, id)
  }

  /**
   * Leaves a tombstone, cancels pending deliveries, and notifies the webhooks. Endpoints whose channel can remove it no
   * longer show the message. @throws NOT_FOUND
   */
  async delete(client: ClientView, id: Id): Promise<void> {
    const { store, conversations } = this.#options
    const entry = await this.getEntry(client, id)
    const { streamId } = entry
    const [conversation, progress] = await Promise.all([
      store.findConversation(client.id, streamId),
      store.findProgress(entry),
    ])
    const endpoints = await this.#endpointsThatCan('remove', client, entry, conversation?.endpoints ?? [])
    const received = entry.owes.filter((target) => hasReceived(entry, target, progress))
    const activity = { type: 'removed', messageId: id } as const
    // First, because a deleted message is not found again: after a crash in between, the deletion is repeated.
    await conversations.noteChange(client, streamId, activity, { entryId: newId(), endpoints, received })
    const deleted = await this.#delete(client, streamId, id, bytesOf(entry))
    if (deleted === 0) throw notFound()
  }

  /** Endpoints that a message goes to and whose channel can change it. A channel that is not loaded may be able to. */
  async #endpointsThatCan(
    what: 'edit' | 'remove',
    client: ClientView,
    { owes }: Entry,
    endpoints: readonly EndpointRecord[],
  ): Promise<Target[]> {
    const { channels } = this.#options
    const owed = endpoints.filter(({ id }) => owes.includes(endpointTarget(id)))
    const able = await Promise.all(
      owed.map(async ({ channel }) => {
        if (channel.custom) return false
        const runtime = await channels.runtime(channel.name).catch(() => undefined)
        const config = integrationOf(client, channel)?.config
        return !runtime || (config ? canChange(runtime, what, config) : runtime[what] !== undefined)
      }),
    )
    return owed.filter((_, i) => able[i]).map(({ id }) => endpointTarget(id))
  }

  /**
   * Deletes the messages of a conversation and cancels pending deliveries. What people see stays: a long conversation
   * would take thousands of calls of its provider. @returns the number of deleted messages. @throws NOT_FOUND for the
   * conversation
   */
  async deleteAll(client: ClientView, conversationId: Id): Promise<number> {
    const conversation = await this.#options.store.findConversation(client.id, conversationId)
    if (!conversation) throw new PlugboardError('NOT_FOUND', 'conversation not found')
    const size = await this.#options.store.sizeOfMessages(client.id, conversationId)
    return this.#delete(client, conversationId, 'all', size)
  }

  async #delete(client: ClientView, conversationId: Id, only: Id | 'all', size: number): Promise<number> {
    const { store, dispatcher, usage, now } = this.#options
    const count = await store.deleteMessages(client.id, conversationId, only, now())
    if (count > 0) usage.add(client.id, -size)
    dispatcher.streamChanged(conversationId)
    return count
  }
}

/** Most payloads are, and this check is cheaper than the schema. */
const isPlainText = ({ type, text, choices }: JsonObject): boolean =>
  type === 'text' && typeof text === 'string' && text.trim() !== '' && choices === undefined

const notFound = (): PlugboardError => new PlugboardError('NOT_FOUND', 'message not found')

/** Copies field by field: on this hot path, object spread would dominate the cost. */
function entryOf(post: Post, at: Date, claim: boolean): Append['entry'] {
  const { id = newId(), author, payload, incomingId, collectUntil, dedupe, details } = post
  const entry: Append['entry'] = { id, type: 'message', author, payload: JSON.stringify(payload), at, claim }
  if (incomingId !== undefined) entry.incomingId = incomingId
  if (collectUntil !== undefined) entry.collectUntil = collectUntil
  if (dedupe !== undefined) entry.dedupe = dedupe
  if (details !== undefined) entry.details = JSON.stringify(details)
  return entry
}

/** Converts an entry to a message. */
export function asMessage(entry: Entry): Message {
  const { id, clientId, streamId, seq, at, payload, details, dedupe, author = 'business' } = entry
  const message: Message = { id, clientId, conversationId: streamId, seq, author, sentAt: at, payload }
  if (details !== undefined) message.details = details
  if (dedupe !== undefined) message.source = sourceOf(dedupe)
  return message
}
