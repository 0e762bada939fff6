import { type Author, type Id, invalid, newId, PlugboardError } from '@plugboard/core'
import { LRUCache } from 'lru-cache'
import { atMost } from '../cache.js'
import type { ClientView } from '../clients/directory.js'
import type { Collection } from '../documents/collection.js'
import {
  type ConversationFacts,
  type ConversationView,
  memberTerm,
  type Participant,
  type UserFacts,
} from '../documents/facts.js'
import type { Range } from '../log/page.js'
import type { Store } from '../ports/store.js'
import type { Conversations } from './conversations.js'
import type { Signals } from './typing-and-read-marks.js'
import type { Users } from './users.js'

export interface ParticipantsOptions {
  store: Store
  users: Users
  conversations: Conversations
  signals: Signals
  userFacts: Collection<UserFacts>
  conversationFacts: Collection<ConversationFacts>
  now(): Date
  /** Maximum number of conversations whose user is cached, to avoid a lookup of each author. */
  maxCached: number
}

/** Maximum users of a group. */
export const MAX_PARTICIPANTS = 10
/** Maximum count of unread messages. */
const MAX_UNREAD = 1000

/** Participants of conversations and their read positions. */
export class Participants {
  readonly #options: ParticipantsOptions
  readonly #users: LRUCache<Id, Id>

  constructor(options: ParticipantsOptions) {
    this.#options = options
    this.#users = new LRUCache({ ...atMost(options.maxCached) })
  }

  /** The participants, in order of joining. */
  of({ userId, id, createdAt, facts }: ConversationView): Participant[] {
    const { isGroup, participants = [] } = facts
    if (isGroup) return participants
    if (!userId) return []
    const known = participants.find((participant) => participant.userId === userId)
    return [known ?? { id, userId, joinedAt: createdAt.toISOString(), readSeq: 0 }]
  }

  /** Whether the cache knows the user as a participant; false requires a lookup. */
  isKnownMember(conversationId: Id, userId: Id): boolean {
    return this.#users.get(conversationId) === userId
  }

  /** @throws NOT_FOUND for the conversation, FORBIDDEN if the user is not a participant */
  async assertMember(client: ClientView, conversationId: Id, userId: Id): Promise<void> {
    if (this.isKnownMember(conversationId, userId)) return
    const { conversations, users } = this.#options
    const view = await conversations.view(client, conversationId)
    const isMember = (id: Id): boolean => this.of(view).some((participant) => participant.userId === id)
    // It may have been merged into a participant.
    if (!isMember(userId) && !isMember((await users.get(client, userId)).id)) {
      throw new PlugboardError('FORBIDDEN', 'the user is not a participant of this conversation')
    }
    if (!view.facts.isGroup) this.#users.set(conversationId, userId)
  }

  /** @throws NOT_FOUND, and INVALID for a conversation that is not a group or is full */
  async join(client: ClientView, conversationId: Id, user: Id): Promise<Participant> {
    const { users, conversations, now } = this.#options
    const userId = await users.idOf(client, user)
    const participant = { id: newId(), userId, joinedAt: now().toISOString(), readSeq: 0 }
    const view = await conversations.change(client, conversationId, (facts) => {
      assertGroup(facts)
      const { participants = [] } = facts
      if (participants.some((other) => other.userId === userId)) return facts
      if (participants.length >= MAX_PARTICIPANTS)
        throw invalid({ path: [], message: 'Too many participants' })
      return { ...facts, participants: [...participants, participant] }
    })
    const joined = this.of(view).find((other) => other.userId === userId) ?? participant
    if (joined.id === participant.id)
      await conversations.note(client, conversationId, { type: 'joined', userId })
    return joined
  }

  /** @throws NOT_FOUND for the conversation or the participant, INVALID for a conversation that is not a group */
  async leave(
    client: ClientView,
    conversationId: Id,
    who: { userId: Id } | { participantId: Id },
  ): Promise<void> {
    const { conversations, users } = this.#options
    const leaver = 'userId' in who ? ((await users.find(client, who.userId))?.id ?? who.userId) : undefined
    let left: Participant | undefined
    await conversations.change(client, conversationId, (facts) => {
      assertGroup(facts)
      const { participants = [] } = facts
      left = participants.find(({ id, userId }) =>
        'userId' in who ? userId === leaver : id === who.participantId,
      )
      if (!left) throw new PlugboardError('NOT_FOUND', 'the user is not a participant of this conversation')
      return { ...facts, participants: participants.filter((other) => other !== left) }
    })
    if (left) await conversations.note(client, conversationId, { type: 'left', userId: left.userId })
  }

  /** Messages of others since the last read, at most 1,000. */
  unread(client: ClientView, conversationId: Id, { readSeq, userId }: Participant): Promise<number> {
    const of = { after: readSeq, except: userId, limit: MAX_UNREAD }
    return this.#options.store.countMessages(client.id, conversationId, of)
  }

  /**
   * Marks everything up to now as read or, by a user, up to the entry of a number, which is not reported. If it is by the
   * business, providers show it. @throws NOT_FOUND, and FORBIDDEN for a user who is not a participant
   */
  async read(
    client: ClientView,
    conversationId: Id,
    by: Author,
    upTo = Number.MAX_SAFE_INTEGER,
  ): Promise<void> {
    const { conversations, signals, now } = this.#options
    const before = await conversations.view(client, conversationId)
    const at = now().toISOString()
    if (by !== 'business') await this.assertMember(client, conversationId, by.userId)
    const reader = by === 'business' ? undefined : await this.#options.users.idOf(client, by.userId)
    await conversations.change(client, conversationId, (facts) => {
      if (by === 'business') return { ...facts, businessReadAt: at }
      const participants = this.of({ ...before, facts })
      const read = participants.map((participant) =>
        participant.userId === reader
          ? { ...participant, readSeq: Math.max(participant.readSeq, Math.min(upTo, before.seq)), readAt: at }
          : participant,
      )
      return { ...facts, participants: read }
    })
    const activity = { type: 'read', ...(by !== 'business' && { userId: by.userId }) } as const
    const isAll = upTo === Number.MAX_SAFE_INTEGER
    if (isAll && conversations.isTold(client, 'read'))
      await conversations.note(client, conversationId, activity)
    if (by === 'business') signals.send(client, before.endpoints, 'markRead')
  }

  /** The conversations of a user, including groups, in order of id. @throws NOT_FOUND for the user */
  async walk(client: ClientView, user: Id, range: Range): Promise<ConversationView[]> {
    const { store, users, conversations, conversationFacts } = this.#options
    const userId = await users.idOf(client, user)
    const [own, groups] = await Promise.all([
      store.walkConversations(client.id, { ...range, userId }),
      conversationFacts.list(client.id, { ...range, term: memberTerm(userId) }),
    ])
    const records = await Promise.all(groups.map(({ id }) => store.findConversation(client.id, id)))
    const all = [...own, ...records.filter((record) => record !== undefined)]
    all.sort((a, b) => (a.id < b.id ? -1 : 1))
    const page = range.fromEnd ? all.slice(-range.limit) : all.slice(0, range.limit)
    return conversations.views(client, page)
  }

  /** A user that was merged into another takes part as that one. May be called again. */
  async replace(client: ClientView, younger: Id, older: Id): Promise<void> {
    const { store, conversationFacts } = this.#options
    const replaceIn = (id: Id) =>
      conversationFacts.change(client.id, id, (facts) => facts && withReplaced(facts, younger, older))
    for (let after: Id | undefined; ; ) {
      const range = { ...(after && { after }), limit: PAGE }
      const groups = await conversationFacts.list(client.id, { ...range, term: memberTerm(younger) })
      for (const { id } of groups) await replaceIn(id)
      after = groups.at(-1)?.id
      if (groups.length < PAGE) break
    }
    for (let after: Id | undefined; ; ) {
      const talks = await store.walkConversations(client.id, {
        ...{ userId: older, limit: PAGE },
        ...(after && { after }),
      })
      for (const { id } of talks) await replaceIn(id)
      after = talks.at(-1)?.id
      if (talks.length < PAGE) break
    }
    this.#users.clear()
  }

  /** Deletes a user and the conversations without other participants. Groups continue. @throws NOT_FOUND */
  async deleteUser(client: ClientView, userId: Id): Promise<void> {
    const { users, conversations } = this.#options
    for (;;) {
      const page = await this.walk(client, userId, { limit: 100 })
      for (const { id, facts } of page) {
        if (facts.isGroup) await this.leave(client, id, { userId })
        else await conversations.delete(client, id)
      }
      if (page.length === 0) break
    }
    await users.delete(client, userId)
  }

  /** The default conversation of a user: the oldest one. */
  async defaultOf(client: ClientView, user: Id): Promise<Id | undefined> {
    const { store, users, userFacts } = this.#options
    const userId = (await users.find(client, user))?.id ?? user
    const known = (await userFacts.find(client.id, { id: userId }))?.data.defaultConversationId
    if (known) return known
    const [first] = await store.walkConversations(client.id, { userId, limit: 1 })
    return first?.id
  }

  /** Makes a conversation the user's default unless there is one. Returns the default. */
  async claimDefault(client: ClientView, userId: Id, conversationId: Id): Promise<Id> {
    const { store, users } = this.#options
    const [first] = await store.walkConversations(client.id, { userId, limit: 1 })
    const { facts } = await users.change(client, userId, (known) =>
      known.defaultConversationId ? known : { ...known, defaultConversationId: first?.id ?? conversationId },
    )
    return facts.defaultConversationId ?? conversationId
  }
}

/** The same if the younger user is not in it. */
function withReplaced(facts: ConversationFacts, younger: Id, older: Id): ConversationFacts {
  const { participants = [] } = facts
  const left = participants.find(({ userId }) => userId === younger)
  if (!left) return facts
  const own = participants.find(({ userId }) => userId === older)
  const merged = own ? { ...own, readSeq: Math.max(own.readSeq, left.readSeq) } : { ...left, userId: older }
  const others = participants.filter((each) => each !== left && each !== own)
  return { ...facts, participants: [...others, merged] }
}

/** Conversations that are read at once. */
const PAGE = 100

function assertGroup({ isGroup }: ConversationFacts): void {
  if (!isGroup)
    throw invalid({ path: [], message: 'participants can only be changed in a group conversation' })
}
