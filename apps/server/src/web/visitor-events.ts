import { type Id, type Logger, type Message, toUuid } from '@plugboard/core'
import { activityOf, asMessage, type Hub, type LiveEvent, type LivePage } from '@plugboard/hub'
import { orNone } from '../dialects/smartify/lookups.js'
import { type PrintedEvent, printedEvent } from '../streams/printed-event.js'
import { type Positions, printPositions } from './positions.js'
import { Receipts } from './receipts.js'
import type { Site } from './sites.js'
import type { VisitorConversations } from './visitor-conversations.js'
import type { Visitor } from './visitors.js'
import { messageJson } from './wire.js'

export interface VisitorEventsOptions {
  hub: Pick<Hub, 'live' | 'messages' | 'conversations' | 'ingest'>
  log: Logger
  conversations: VisitorConversations
  site: Site
  visitor: Visitor
  /** Ends it. */
  signal: AbortSignal
}

/** Most conversations that are followed at the start: those with the newest messages. */
const MAX_FOLLOWED = 100
/** The position before everything. */
const START = 0

/** A page of one conversation, which waits until it is taken. */
interface Waiting {
  id: Id
  page: LivePage
  taken(): void
}

/** What visitors get to see of what happens. */
export class VisitorEvents {
  readonly #options: VisitorEventsOptions
  /** Messages as they are now, by the event that says that they were edited. */
  readonly #edited = new WeakMap<object, Message>()
  readonly #receipts: Receipts
  /** Nobody waits for a receipt, except the next one. */
  #confirming: Promise<void> = Promise.resolve()

  constructor(options: VisitorEventsOptions) {
    this.#options = options
    this.#receipts = new Receipts(options)
  }

  /** One conversation. `after`: a position in it. @throws NOT_FOUND, INVALID */
  async *ofConversation(conversationId: Id, after: string | undefined): AsyncGenerator<LivePage, void, void> {
    const { hub, site, signal } = this.#options
    const from = after === undefined ? {} : { after }
    for await (const page of hub.live.follow(site.client, { conversationId }, { signal, ...from })) {
      await this.#lookUp(page)
      yield page
      await this.#confirm(page)
    }
  }

  /**
   * All conversations of the visitor, also those that begin later. Each is read from its log, so the position is one of
   * each of them, and nothing has to be stored to give them one order.
   */
  async *ofVisitor(after: Positions | undefined): AsyncGenerator<LivePage, void, void> {
    const { conversations, site, visitor } = this.#options
    const following = new Following(this.#options)
    try {
      // First, so that no conversation begins between the list and the watch.
      await following.watch((id) => conversations.find({ site, visitor }, id))
      const found = await conversations.list({ site, visitor }, { limit: MAX_FOLLOWED })
      const ids = found.map(({ view }) => view.id)
      // What is not among the positions began after them.
      for (const id of ids) following.add(id, after ? (after.get(id) ?? START) : undefined)
      following.addFound()
      await following.begun(ids)
      yield { events: [], position: following.position }
      for await (const { id, page, taken } of following.pages()) {
        await this.#lookUp(page)
        yield following.placed(id, page)
        taken()
        await this.#confirm(page)
      }
    } finally {
      following.end()
    }
  }

  /** What the business wrote has been delivered: the page before this one is with the visitor. */
  async #confirm(page: LivePage): Promise<void> {
    await this.#confirming
    this.#confirming = this.#receipts.delivered('events' in page ? page.events : [])
  }

  /** An edit is told with the message as it is now. */
  async #lookUp(page: LivePage): Promise<void> {
    if (!('events' in page)) return
    const { hub, site } = this.#options
    for (const event of page.events) {
      if ('ephemeral' in event || event.entry.type !== 'activity') continue
      const activity = activityOf(event.entry)
      if (activity?.type !== 'edited' || !activity.messageId) continue
      const message = await orNone(hub.messages.get(site.client, activity.messageId))
      if (message) this.#edited.set(event.entry, message)
    }
  }

  /** Undefined for what visitors do not get. */
  print(event: LiveEvent): PrintedEvent | undefined {
    if ('ephemeral' in event) {
      const { conversationId, activity } = event.ephemeral
      if (activity.type !== 'typing' || activity.userId !== undefined) return undefined
      return printed('typing', conversationId, { isTyping: activity.isTyping, author: 'business' })
    }
    const { entry, position } = event
    const tell = (type: string, data: object) => printed(type, entry.streamId, data, position)
    if (entry.type === 'message') return tell('message', messageJson(asMessage(entry), undefined))
    const activity = entry.type === 'activity' ? activityOf(entry) : undefined
    switch (activity?.type) {
      case 'edited': {
        const message = this.#edited.get(entry)
        return message && tell('edited', messageJson(message, undefined))
      }
      case 'removed':
        return tell('deleted', { id: toUuid(activity.messageId) })
      case 'read':
        return tell('read', {
          position: String(entry.seq),
          by: activity.userId === undefined ? 'business' : 'me',
        })
      case 'closed':
      case 'reopened':
        return tell(activity.type, { at: entry.at.toISOString() })
      default:
        return undefined
    }
  }
}

function printed(type: string, conversationId: Id, data: object, id?: string): PrintedEvent {
  const text = JSON.stringify({ conversationId: toUuid(conversationId), ...data })
  return printedEvent({ type, data: text, ...(id !== undefined && { id }) })
}

/** Several conversations that are followed at once. */
class Following {
  readonly #options: VisitorEventsOptions
  readonly #abort = new AbortController()
  readonly #positions = new Map<Id, number>()
  readonly #followed = new Set<Id>()
  readonly #waiting: Waiting[] = []
  /** Conversations that have told where they begin, or could not. */
  readonly #begun = new Set<Id>()
  /** Conversations that the watch found before those of the list were added. */
  #found: Set<Id> | undefined = new Set()
  #wake = (): void => undefined
  #failure: unknown
  #unwatch = (): void => undefined

  constructor(options: VisitorEventsOptions) {
    this.#options = options
    const { signal } = options
    if (signal.aborted) this.#abort.abort()
    signal.addEventListener('abort', this.#stop)
  }

  readonly #stop = (): void => {
    this.#abort.abort()
    this.#wake()
  }

  /** Finds conversations that the visitor gets from now on, and follows them once {@link addFound} was called. */
  async watch(find: (id: Id) => Promise<unknown>): Promise<void> {
    const { hub, site, visitor } = this.#options
    const look = async (id: Id): Promise<void> => {
      if (this.#followed.has(id) || (await find(id)) === undefined) return
      if (this.#found) this.#found.add(id)
      else this.add(id, START)
    }
    this.#unwatch = await hub.live.watchUser(site.client, visitor.userId, {
      event: (event) => {
        if ('ephemeral' in event || event.entry.streamId === visitor.userId) return
        // If it cannot be found out now, the next event of the conversation tries again.
        look(event.entry.streamId).catch(() => undefined)
      },
      ended: this.#stop,
    })
  }

  /** Follows what was found and not added before, from its beginning. */
  addFound(): void {
    const found = this.#found ?? []
    this.#found = undefined
    for (const id of found) this.add(id, START)
  }

  /** `from`: undefined: from now on. */
  add(id: Id, from: number | undefined): void {
    if (this.#followed.has(id) || this.#abort.signal.aborted) return
    this.#followed.add(id)
    this.#follow(id, from).catch((error: unknown) => {
      this.#failure ??= error
      this.#stop()
    })
  }

  async #follow(id: Id, from: number | undefined): Promise<void> {
    const { hub, site } = this.#options
    const { signal } = this.#abort
    if (from !== undefined) this.#positions.set(id, from)
    const after = from === undefined ? {} : { after: String(from) }
    const pages = hub.live.follow(site.client, { conversationId: id }, { signal, ...after })
    const first = await orNone(pages.next())
    if (first && !first.done && 'position' in first.value && from === undefined)
      this.#positions.set(id, Number(first.value.position))
    this.#begun.add(id)
    if (first && !first.done) await this.#hand(id, first.value)
    else this.#wake()
    for await (const page of pages) await this.#hand(id, page)
    // The conversation was deleted.
    this.#positions.delete(id)
  }

  /** Resolves when the page was taken, so that no more of the conversation is read before. */
  async #hand(id: Id, page: LivePage): Promise<void> {
    if (this.#abort.signal.aborted) return
    await new Promise<void>((taken) => {
      this.#waiting.push({ id, page, taken })
      this.#wake()
    })
  }

  /** Waits until these conversations have begun. */
  async begun(ids: readonly Id[]): Promise<void> {
    while (!ids.every((id) => this.#begun.has(id)) && !this.#abort.signal.aborted) await this.#sleep()
    if (this.#failure !== undefined) throw this.#failure
  }

  async *pages(): AsyncGenerator<Waiting, void, void> {
    while (!this.#abort.signal.aborted) {
      const next = this.#waiting.shift()
      if (next) yield next
      else await this.#sleep()
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  /** The page with positions of all conversations. */
  placed(id: Id, page: LivePage): LivePage {
    if ('reset' in page) {
      this.#positions.set(id, Number(page.reset.oldest))
      return { reset: { oldest: this.position } }
    }
    const events = page.events.map((event) => {
      if ('ephemeral' in event) return event
      this.#positions.set(id, Number(event.position))
      return { ...event, position: this.position }
    })
    this.#positions.set(id, Number(page.position))
    return { events, position: this.position }
  }

  get position(): string {
    return printPositions(this.#positions)
  }

  end(): void {
    this.#options.signal.removeEventListener('abort', this.#stop)
    this.#unwatch()
    this.#stop()
    for (const { taken } of this.#waiting.splice(0)) taken()
  }
}
