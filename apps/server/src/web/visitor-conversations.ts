import { fromUuid, type Id, type Message, PlugboardError } from '@plugboard/core'
import type { ConversationView, EndpointRecord, Hub } from '@plugboard/hub'
import { orNone } from '../dialects/smartify/lookups.js'
import { isOfSite, type Site } from './sites.js'
import type { Visitor } from './visitors.js'

/** A conversation of a visitor, and where it is in the channel. */
export interface VisitorConversation {
  view: ConversationView
  endpoint: EndpointRecord
}

interface Whose {
  site: Site
  visitor: Visitor
}

type ConversationsHub = Pick<Hub, 'conversations' | 'participants' | 'messages' | 'users'>

/** Conversations that are read at once to find those of the site. */
const PAGE = 50
/** Most messages that are counted as unread. */
const MAX_UNREAD = 100
/** Most conversations of one visitor that are looked through for a page. */
const MAX_LOOKED_AT = 500

/** The conversations of visitors: of their own, on this site. */
export class VisitorConversations {
  readonly #hub: ConversationsHub

  constructor(hub: ConversationsHub) {
    this.#hub = hub
  }

  /** @throws NOT_FOUND, also for one of somebody else, or of another channel or site */
  async get(whose: Whose, uuid: string): Promise<VisitorConversation> {
    const id = fromUuid(uuid)
    const conversation = id && (await this.find(whose, id))
    if (!conversation) throw new PlugboardError('NOT_FOUND', 'Not found')
    return conversation
  }

  async find({ site, visitor }: Whose, id: Id): Promise<VisitorConversation | undefined> {
    const view = await orNone(this.#hub.conversations.view(site.client, id))
    if (!view?.userId) return undefined
    const endpoint = view.endpoints.find(({ channel }) => isOfSite(channel, site))
    if (!endpoint) return undefined
    // The user of the conversation may have been merged into the visitor's.
    const isOwn =
      view.userId === visitor.userId ||
      (await this.#hub.users.find(site.client, view.userId))?.id === visitor.userId
    return isOwn ? { view, endpoint } : undefined
  }

  /** Those without messages first, then by newest message. */
  async list(
    whose: Whose,
    { before, limit }: { before?: Id | undefined; limit: number },
  ): Promise<VisitorConversation[]> {
    const { site, visitor } = whose
    const found: VisitorConversation[] = []
    let last = before
    for (let looked = 0; looked < MAX_LOOKED_AT && found.length < limit; looked += PAGE) {
      const page = await this.#hub.conversations.listByUser(site.client, visitor.userId, {
        limit: PAGE,
        ...(last && { before: last }),
      })
      const own = await Promise.all(page.map(({ id }) => this.find(whose, id)))
      found.push(...own.filter((each) => each !== undefined))
      last = page.at(-1)?.id
      if (page.length < PAGE) break
    }
    return found.slice(0, limit)
  }

  /** What a list shows of a conversation. */
  async summary(
    { site }: Whose,
    { view }: VisitorConversation,
  ): Promise<{ unread: number; lastMessage?: Message | undefined }> {
    const { participants, messages } = this.#hub
    const [participant] = participants.of(view)
    // One after the other: a message that comes in between is in both, or in none, and its event counts once.
    const [lastMessage] = await messages.list(site.client, view.id, { limit: 1 })
    const others = participant ? await participants.unread(site.client, view.id, participant) : 0
    if (others === 0) return { unread: 0, lastMessage }
    // What the visitor wrote as a guest may have another author.
    const newest = await messages.list(site.client, view.id, { limit: MAX_UNREAD })
    const unread = newest.filter(
      ({ author, seq }) => author === 'business' && seq > (participant?.readSeq ?? 0),
    ).length
    return { unread, lastMessage: newest[0] }
  }
}
