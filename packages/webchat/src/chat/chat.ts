import type { OutgoingPayload, WebChatEvents } from '../options.js'
import type { Keep } from '../storage.js'
import { HubError, retryAfterOf, type VisitorApi } from './api.js'
import { attachable, kindOf } from './attachments.js'
import { replyTo } from './content.js'
import { Conversations } from './conversations.js'
import { isJson, isMine, type Json } from './message.js'
import type { Outbox } from './outbox.js'
import { Retries } from './retries.js'
import { Sending } from './sending.js'
import {
  activeOf,
  type Change,
  type HubEvent,
  initialState,
  newMessage,
  type Queued,
  reduce,
  type State,
  unreadOf,
} from './state.js'
import { followEvents, type Placed } from './stream.js'
import { type TabMessage, Tabs } from './tabs.js'
import { Signals, TYPING_ENDS_MS } from './typing-and-reading.js'
import { VisitorSession } from './visitor-session.js'

export interface ChatOptions {
  client: string
  api: VisitorApi
  keep: Keep
  outbox: Outbox
  config: State['config']
  language: string
  /** The customer that the page has signed in, or `null` for nobody. */
  customer: string | null | undefined
  emit<T extends keyof WebChatEvents>(event: T, data: WebChatEvents[T]): void
  /** Closes the chat; without effect where it fills the window. */
  close(): void
  /** Called after each change. */
  onChange(): void
}

/** The chat without its looks: holds the state, and does what the visitor wants. */
export class Chat {
  state: State
  readonly #options: ChatOptions
  readonly #tabs: Tabs
  readonly #visitor: VisitorSession
  readonly #signals: Signals
  readonly #conversations: Conversations
  readonly #sending: Sending
  readonly #retries = new Retries()
  readonly #ended = new AbortController()
  /** Of the session; another one begins when somebody signs in or out. */
  #session = new AbortController()
  #position: string | undefined
  /** Whose conversations are shown. */
  #userId: string | undefined
  #starting: Promise<void> | undefined
  #enterTimer: ReturnType<typeof setTimeout> | undefined
  /** Whether there is a session, or is to be one as soon as the hub can be reached. */
  #isWanted = false
  #writingTimer: ReturnType<typeof setTimeout> | undefined
  #unread = 0
  #isSeen = false

  constructor(options: ChatOptions) {
    this.#options = options
    this.state = initialState(options.config)
    this.#tabs = new Tabs(options.client, (message) => void this.#hear(message))
    const { signal } = this.#ended
    this.#visitor = new VisitorSession({
      ...options,
      tabs: this.#tabs,
      ended: signal,
      onUnreachable: () => {
        this.#change({ type: 'signed-out' })
        return this.#sending.leaveConversations()
      },
      onOther: () => this.#forget(),
    })
    this.#signals = new Signals(options.api)
    const parts = {
      ...{ api: options.api, keep: options.keep, outbox: options.outbox },
      ...{ tabs: this.#tabs, retries: this.#retries, ended: signal },
      state: () => this.state,
      change: (change: Change) => this.#change(change),
      session: () => this.#session.signal,
      isExpired: (error: unknown) => this.#isExpired(error),
    }
    this.#conversations = new Conversations(parts)
    this.#sending = new Sending({
      ...{ ...parts, conversations: this.#conversations },
      enter: async () => {
        await this.#visitor.ensure()
        await this.#enter()
      },
      sent: (event) => this.#apply({ event }),
    })
    addEventListener('online', () => void this.#comeBack(), { signal })
    document.addEventListener('visibilitychange', () => this.#markRead(), { signal })
  }

  /** Begins, or continues where the visitor was. */
  async start(): Promise<void> {
    await this.#sending.show()
    const { customer, config } = this.#options
    if (customer === null) return this.signOut()
    const { isNew } = this.#visitor
    // The hub hears of a new visitor when they open the chat.
    if (isNew) this.#change({ type: 'phase', phase: config.form ? 'form' : 'ready' })
    // What waits was written when the hub could not be reached.
    if (this.state.queue.length > 0) void this.#sending.flush()
    if (!isNew || (this.state.isOpen && !config.form)) await this.#enter()
  }

  setOpen(isOpen: boolean): void {
    this.#change({ type: 'open', isOpen })
    if (isOpen && this.state.phase === 'ready') void this.#enter().then(() => this.#greet())
    this.#markRead()
  }

  /** Whether the chat is on the screen: it may be open in a frame that the page hides. */
  setSeen(isSeen: boolean): void {
    this.#isSeen = isSeen
    this.#markRead()
  }

  async identify(token: string | null): Promise<void> {
    if (token === null) return this.signOut()
    if (!this.#visitor.identify(token)) return
    this.#restart()
    await this.#enter()
  }

  /** Ends the session, removes all that this browser keeps, and closes the chat. */
  async signOut(): Promise<void> {
    const { api, keep, close } = this.#options
    close()
    if (keep.get().token !== undefined) await api.endSession().catch(() => {})
    await this.startAgain()
  }

  /** Removes all that this browser keeps. Who opens the chat after that is somebody new. */
  async startAgain(): Promise<void> {
    this.#options.customer = undefined
    this.#visitor.identify(undefined)
    this.#restart()
    await this.#forget()
    this.#tabs.tell({ type: 'session' })
    await this.start()
  }

  async submitForm(form: Record<string, string>): Promise<void> {
    const { api, keep } = this.#options
    try {
      await this.#visitor.ensure()
      await api.saveForm(form)
      keep.set({ hasForm: true })
      this.#starting = undefined
      await this.#enter()
    } catch {
      this.#change({ type: 'notice', notice: 'failed' })
    }
  }

  /** Shows the message at once, and sends it when the hub can be reached. */
  async send(payload: OutgoingPayload, file?: Blob): Promise<void> {
    if (activeOf(this.state)?.closedAt) this.#change({ type: 'show' })
    this.#signals.stopTyping()
    await this.#sending.add(payload as Queued['payload'], file)
  }

  /** Presses a button of a message. */
  answer(messageId: string, reply: Json): void {
    void this.send(replyTo(messageId, reply) as OutgoingPayload)
  }

  /** Keeps files for the next message, and says of the others why they cannot be sent. */
  attach(files: Iterable<File>): void {
    const { attached, notice } = attachable(files, this.state.config.uploads)
    this.#change({ type: 'notice', ...(notice && { notice }) })
    this.#change({ type: 'attached', attached: [...this.state.attached, ...attached] })
  }

  detach(id: string): void {
    this.#change({ type: 'attached', attached: this.state.attached.filter((each) => each.id !== id) })
  }

  /** Sends what is attached, then the text, if there is one. */
  async submit(text: string): Promise<void> {
    const { attached } = this.state
    this.#change({ type: 'attached', attached: [] })
    for (const { file } of attached) await this.send({ type: kindOf(file.type), title: file.name }, file)
    if (text !== '') await this.send({ type: 'text', text })
  }

  /** Sends a message again that the hub refused. */
  retry(queued: Queued): Promise<void> {
    return this.#sending.retry(queued)
  }

  /** Removes a message that waits, also while its file is sent. */
  discard(queued: Queued): Promise<void> {
    return this.#sending.discard(queued)
  }

  /** Shows a conversation; without one, a new one begins. */
  async show(conversationId?: string): Promise<void> {
    this.#change({ type: 'show', conversationId })
    if (conversationId === undefined) return
    await this.#attempt(() => this.#conversations.loadMessages(conversationId))
    this.#markRead()
  }

  loadOlder(): Promise<void> {
    return this.#conversations.loadOlder()
  }

  view(view: State['view']): void {
    this.#change({ type: 'view', view })
  }

  dismiss(): void {
    this.#change({ type: 'notice' })
  }

  /** Tells the business that the visitor writes, and when they stop. */
  typed(isEmpty: boolean): void {
    const { activeId, connection } = this.state
    if (isEmpty) this.#signals.stopTyping()
    else if (activeId !== undefined && connection === 'online') this.#signals.typing(activeId)
  }

  async giveFeedback(messageId: string, feedback: 1 | -1): Promise<void> {
    const { activeId: conversationId } = this.state
    if (conversationId === undefined) return
    this.#change({ type: 'feedback', conversationId, messageId, feedback })
    await this.#attempt(() => this.#options.api.giveFeedback(conversationId, messageId, feedback))
  }

  async endConversation(): Promise<void> {
    const { activeId: conversationId } = this.state
    this.#change({ type: 'view', view: 'chat' })
    if (conversationId === undefined) return
    const isClosed = await this.#attempt(() => this.#options.api.close(conversationId))
    if (isClosed) this.#apply({ event: { name: 'closed', data: { conversationId } } })
  }

  async transcript(): Promise<Blob | undefined> {
    const { activeId } = this.state
    if (activeId === undefined) return undefined
    let transcript: Blob | undefined
    await this.#attempt(async () => {
      transcript = await this.#options.api.transcript(activeId)
    })
    return transcript
  }

  destroy(): void {
    this.#ended.abort()
    this.#session.abort()
    clearTimeout(this.#enterTimer)
    this.#sending.stop()
    this.#tabs.close()
    void this.#options.outbox.close()
  }

  /** The business hears of a visitor who opens the chat for the first time, and may say hello. */
  async #greet(): Promise<void> {
    const { phase, isOpen, conversations } = this.state
    if (!this.#conversations.isLoaded || phase !== 'ready' || !isOpen || conversations.length > 0) return
    // If it fails, the first message begins it.
    await this.#conversations.begin().catch((error) => this.#isExpired(error))
  }

  /** Loads what the visitor has, and follows what happens. Called again, it changes nothing. */
  #enter(): Promise<void> {
    this.#isWanted = true
    clearTimeout(this.#enterTimer)
    const { signal } = this.#session
    this.#starting ??= this.#enterOnce().catch((error) => {
      // Somebody else has come, or gone.
      if (signal.aborted) return
      this.#starting = undefined
      if (this.#isExpired(error)) return
      if (this.state.phase === 'starting') this.#change({ type: 'phase', phase: 'ready' })
      this.#change({ type: 'connection', connection: 'offline' })
      const pause = Math.max(this.#retries.nextMs(), retryAfterOf(error))
      this.#enterTimer = setTimeout(() => void this.#comeBack(), pause)
    })
    return this.#starting
  }

  /** The hub may be reached again. */
  async #comeBack(): Promise<void> {
    if (this.#isWanted) await this.#enter()
    await this.#sending.flush()
  }

  async #enterOnce(): Promise<void> {
    const { keep, config } = this.#options
    const { signal } = this.#session
    const isNew = await this.#visitor.ensure()
    if (signal.aborted) return
    this.#userId = keep.get().userId
    if (!isNew) await this.#conversations.load()
    if (signal.aborted) return
    this.#conversations.isLoaded = true
    const hasStarted = this.state.conversations.length > 0 || keep.get().hasForm || !config.form
    if (!hasStarted) return this.#change({ type: 'phase', phase: 'form' })
    this.#change({ type: 'phase', phase: 'ready' })
    void this.#follow(signal)
    void this.#greet().then(() => this.#sending.flush())
    this.#markRead()
  }

  async #forget(): Promise<void> {
    this.#options.keep.clear()
    await this.#options.outbox.clear()
    this.#change({ type: 'signed-out' })
  }

  /** Loads again what is shown, where the stream cannot tell what happened. */
  async #reload(): Promise<void> {
    if (await this.#conversations.reload()) this.#markRead()
  }

  /** Follows the stream in one tab; the others hear from it. */
  async #follow(signal: AbortSignal): Promise<void> {
    this.#tabs.tell({ type: 'hello' })
    const options = {
      api: this.#options.api,
      position: () => this.#position,
      onEvent: (placed: Placed) => {
        if (signal.aborted) return
        this.#apply(placed)
        this.#tabs.tell({ type: 'event', userId: this.#userId, ...placed })
      },
      onGap: () => void this.#reload(),
      onConnection: (connection: State['connection']) => {
        if (signal.aborted) return
        this.#connected(connection)
        this.#tabs.tell({ type: 'connection', connection })
      },
    }
    try {
      await this.#tabs.alone('stream', signal, () => followEvents(options, signal))
    } catch (error) {
      if (signal.aborted || this.#isExpired(error)) return
      const isUnknown = error instanceof HubError && error.status === 400 && this.#position !== undefined
      if (!isUnknown) return this.#change({ type: 'phase', phase: 'failed' })
      // The hub does not know the position: it was set up again. From now on, with everything loaded anew.
      this.#position = undefined
      return this.#follow(signal)
    }
  }

  #connected(connection: State['connection']): void {
    this.#change({ type: 'connection', connection })
    if (connection === 'online') void this.#sending.flush()
  }

  async #hear(message: TabMessage): Promise<void> {
    switch (message.type) {
      case 'event': {
        // The other tab has not heard yet that somebody else is here.
        if (message.userId !== this.#userId) return
        const isMissing = message.to !== undefined && message.from !== this.#position
        this.#apply(message)
        // This tab joined later, or slept: what came before has to be loaded.
        if (isMissing) await this.#reload()
        return
      }
      case 'connection':
        return this.#connected(message.connection)
      case 'hello':
        return this.#tabs.tell({ type: 'connection', connection: this.state.connection })
      case 'queue':
        return this.#sending.show()
      case 'session': {
        const { token, userId } = this.#options.keep.get()
        const isSame = userId !== undefined && userId === this.#userId
        // Another tab has signed the same customer in anew: what is written here stays.
        if (isSame && this.state.phase !== 'expired') return
        this.#restart()
        this.#change({ type: 'signed-out' })
        await this.#sending.show()
        if (token !== undefined) return this.#enter()
        // Signed out in another tab: nobody else begins in this one.
        this.#options.close()
        return this.start()
      }
    }
  }

  /** Ends what belongs to the session that was. */
  #restart(): void {
    this.#session.abort()
    this.#session = new AbortController()
    this.#starting = undefined
    this.#isWanted = false
    this.#conversations.isLoaded = false
    this.#position = undefined
    this.#userId = undefined
    this.#retries.reset()
  }

  #apply({ event, to }: Placed): void {
    if (to !== undefined) this.#position = to
    this.#conversations.happened(event)
    const news = newMessage(this.state, event)
    this.#change({ type: 'event', event })
    if (event.name === 'typing') this.#expectEndOf(event)
    if (news === undefined) return
    const { conversationId, message } = news
    const { id, payload } = message
    this.#options.emit('message', { conversationId, id, isMine: isMine(message), payload })
    this.#markRead()
  }

  /** Who writes and goes away is not said to stop. */
  #expectEndOf({ name, data }: HubEvent): void {
    clearTimeout(this.#writingTimer)
    if (!isJson(data) || !data.isTyping) return
    const ended: Placed = { event: { name, data: { ...data, isTyping: false } } }
    this.#writingTimer = setTimeout(() => this.#apply(ended), TYPING_ENDS_MS)
  }

  /** What the visitor sees is read. */
  #markRead(): void {
    const active = activeOf(this.state)
    const { isOpen, view } = this.state
    const last = active?.messages?.at(-1)
    const isSeen = isOpen && view === 'chat' && this.#isSeen && document.visibilityState === 'visible'
    if (!isSeen || !active?.unread || !last) return
    const { id: conversationId } = active
    const { position } = last
    this.#apply({ event: { name: 'read', data: { conversationId, position, by: 'me' } } })
    this.#signals.read(conversationId, position)
  }

  /** Does what the visitor asked for, and tells them if it failed. Returns whether it succeeded. */
  async #attempt(action: () => Promise<unknown>): Promise<boolean> {
    const { signal } = this.#session
    try {
      await action()
      return true
    } catch (error) {
      if (!signal.aborted && !this.#isExpired(error)) this.#change({ type: 'notice', notice: 'failed' })
      return false
    }
  }

  /** Whether the hub no longer knows the visitor; who is never made somebody else without a word. */
  #isExpired(error: unknown): boolean {
    if (!(error instanceof HubError) || error.status !== 401) return false
    // The session of the request was replaced, or is being replaced by the one of a customer.
    if (error.isStale || this.#visitor.isChanging) return false
    if (this.state.phase !== 'expired') {
      this.#session.abort()
      this.#change({ type: 'phase', phase: 'expired' })
      this.#options.emit('expired', undefined)
    }
    return true
  }

  #change(change: Change): void {
    if (this.#ended.signal.aborted) return
    this.state = reduce(this.state, change)
    const unread = unreadOf(this.state)
    if (unread !== this.#unread) {
      this.#unread = unread
      this.#options.emit('unread', unread)
    }
    this.#options.onChange()
  }
}
