import { retryAfterOf, type VisitorApi } from './api.js'
import { nextClientId } from './client-id.js'
import { activeOf, type Change, type HubEvent, type State } from './state.js'
import { pause } from './stream.js'

export interface ConversationsOptions {
  api: Pick<VisitorApi, 'listConversations' | 'listMessages' | 'createConversation'>
  state(): State
  change(change: Change): void
  /** Ends with the session: somebody else may be here then. */
  session(): AbortSignal
  /** Whether an error says that the hub no longer knows the visitor. */
  isExpired(error: unknown): boolean
}

/** Loads the conversations of the visitor and their messages, and begins new ones. */
export class Conversations {
  readonly #options: ConversationsOptions
  /** What happened since each load began that has not ended. */
  readonly #loads = new Set<HubEvent[]>()
  #beginning: Promise<string> | undefined
  #beginningKey: string | undefined
  /** Whether they were loaded; until then, no conversation does not mean that there is none. */
  isLoaded = false

  constructor(options: ConversationsOptions) {
    this.#options = options
  }

  /** All of them, and the messages of the one that is shown. */
  async load(): Promise<void> {
    const { api, state, change } = this.#options
    const conversations = await this.#load(
      () => api.listConversations(),
      (loaded) => change({ type: 'conversations', conversations: loaded }),
    )
    const { activeId } = state()
    const active = activeId ?? (conversations.find(({ closedAt }) => !closedAt) ?? conversations[0])?.id
    if (active === undefined) return
    await this.loadMessages(active)
    if (state().activeId !== active) change({ type: 'show', conversationId: active })
  }

  /** Loads again what is shown. Tries until it succeeds. False if the session has ended before. */
  async reload(): Promise<boolean> {
    const { session, isExpired } = this.#options
    const signal = session()
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await this.load()
        return true
      } catch (error) {
        if (isExpired(error)) return false
        await pause(failures, signal, retryAfterOf(error))
      }
    }
    return false
  }

  async loadMessages(conversationId: string): Promise<void> {
    const { api, change } = this.#options
    await this.#load(
      () => api.listMessages(conversationId),
      (page) => change({ type: 'messages', conversationId, ...page }),
    )
  }

  /** The messages before those that are shown. */
  async loadOlder(): Promise<void> {
    const { api, state, change } = this.#options
    const active = activeOf(state())
    const first = active?.messages?.[0]
    if (!active?.hasOlder || active.isLoadingOlder || !first) return
    const { id: conversationId } = active
    change({ type: 'loading-older', conversationId, isLoading: true })
    const page = await api.listMessages(conversationId, first.id).catch(() => undefined)
    if (page) change({ type: 'messages', conversationId, ...page, isOlder: true })
    else change({ type: 'loading-older', conversationId, isLoading: false })
  }

  /** What is being loaded may be without this. */
  happened(event: HubEvent): void {
    for (const happened of this.#loads) if (event.name !== 'typing') happened.push(event)
  }

  /** A new conversation, which is shown. Two calls at once begin one. */
  begin(): Promise<string> {
    this.#beginning ??= this.#beginOnce().finally(() => {
      this.#beginning = undefined
    })
    return this.#beginning
  }

  async #beginOnce(): Promise<string> {
    const { api, change } = this.#options
    // The same key until it succeeds: an answer that was lost makes no second conversation.
    this.#beginningKey ??= nextClientId()
    const conversation = await api.createConversation(this.#beginningKey)
    this.#beginningKey = undefined
    change({ type: 'conversations', conversations: [conversation] })
    change({ type: 'messages', conversationId: conversation.id, messages: [], hasOlder: false })
    change({ type: 'show', conversationId: conversation.id })
    return conversation.id
  }

  /** Loads something and shows it. What happened meanwhile may not be in it, so it is applied once more. */
  async #load<T>(load: () => Promise<T>, show: (loaded: T) => void): Promise<T> {
    const signal = this.#options.session()
    const happened: HubEvent[] = []
    this.#loads.add(happened)
    try {
      const loaded = await load()
      // Somebody else may be here by now.
      signal.throwIfAborted()
      show(loaded)
      for (const event of happened) this.#options.change({ type: 'event', event })
      return loaded
    } finally {
      this.#loads.delete(happened)
    }
  }
}
