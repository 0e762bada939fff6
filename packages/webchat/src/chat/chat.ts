import type { OutgoingPayload, WebChatEvents } from '../options.js'
import type { Keep } from '../storage.js'
import { HubError, retryAfterOf, type VisitorApi } from './api.js'
import { type MediaKind, replyTo } from './content.js'
import { isJson, isMine, type Json } from './message.js'
import type { Outbox } from './outbox.js'
import { Signals, TYPING_ENDS_MS } from './signals.js'
import {
  activeOf,
  type Change,
  type HubEvent,
  initialState,
  type Notice,
  newMessage,
  type Queued,
  reduce,
  type State,
  unreadOf,
} from './state.js'
import { followEvents, type Placed, pause } from './stream.js'
import { type TabMessage, Tabs } from './tabs.js'
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

const LONGEST_RETRY_MS = 30_000
/** The hub keeps the id of an upload for an hour; the clocks may differ. In milliseconds. */
const UPLOAD_LASTS_MS = 45 * 60_000

/** The chat without its looks: holds the state, and does what the visitor wants. */
export class Chat {
  state: State
  readonly #options: ChatOptions
  readonly #tabs: Tabs
  readonly #visitor: VisitorSession
  readonly #signals: Signals
  readonly #ended = new AbortController()
  /** Of the session; another one begins when somebody signs in or out. */
  #session = new AbortController()
  #position: string | undefined
  /** Whose conversations are shown. */
  #userId: string | undefined
  #starting: Promise<void> | undefined
  #beginning: Promise<string> | undefined
  #beginningKey: string | undefined
  #isFlushing = false
  /** Something was added while the queue was sent. */
  #mustFlush = false
  #retries = 0
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #enterTimer: ReturnType<typeof setTimeout> | undefined
  /** Whether there is a session, or is to be one as soon as the hub can be reached. */
  #isWanted = false
  /** Whether the conversations of the visitor were loaded; until then, no conversation does not mean that there is none. */
  #knowsConversations = false
  #writingTimer: ReturnType<typeof setTimeout> | undefined
  #unread = 0
  #isSeen = false
  /** What happened since each load began that has not ended. */
  readonly #loads = new Set<HubEvent[]>()
  /** Those under way, by the id of their message. */
  readonly #uploads = new Map<string, AbortController>()

  constructor(options: ChatOptions) {
    this.#options = options
    this.state = initialState(options.config)
    this.#tabs = new Tabs(options.client, (message) => void this.#hear(message))
    const { signal } = this.#ended
    this.#visitor = new VisitorSession({
      ...options,
      tabs: this.#tabs,
      ended: signal,
      onUnreachable: () => this.#leaveConversations(),
      onOther: () => this.#forget(),
    })
    this.#signals = new Signals(options.api)
    addEventListener('online', () => void this.#comeBack(), { signal })
    document.addEventListener('visibilitychange', () => this.#markRead(), { signal })
  }

  /** Begins, or continues where the visitor was. */
  async start(): Promise<void> {
    await this.#loadQueue()
    const { customer, config } = this.#options
    if (customer === null) return this.signOut()
    const { isNew } = this.#visitor
    // The hub hears of a new visitor when they open the chat.
    if (isNew) this.#change({ type: 'phase', phase: config.form ? 'form' : 'ready' })
    // What waits was written when the hub could not be reached.
    if (this.state.queue.length > 0) void this.flush()
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
    const queued: Queued = {
      clientId: nextClientId(),
      conversationId: this.state.activeId,
      ...(this.state.activeId === undefined && this.state.conversations.length > 0 && { isNewChat: true }),
      createdAt: new Date().toISOString(),
      payload: payload as Queued['payload'],
      file,
    }
    this.#change({ type: 'queue', queue: [...this.state.queue, queued] })
    this.#signals.stopTyping()
    await this.#keepQueued(queued)
    void this.flush()
  }

  /** Presses a button of a message. */
  answer(messageId: string, reply: Json): void {
    void this.send(replyTo(messageId, reply) as OutgoingPayload)
  }

  /** Keeps files for the next message, and says of the others why they cannot be sent. */
  attach(files: Iterable<File>): void {
    const { maxBytes, types } = this.state.config.uploads
    const attached = [...this.state.attached]
    let notice: Notice | undefined
    for (const file of files) {
      if (file.size > maxBytes) notice = 'file-too-large'
      else if (!isAccepted(file.type, types)) notice = 'file-type'
      else attached.push({ id: nextClientId(), file })
    }
    this.#change({ type: 'notice', ...(notice && { notice }) })
    this.#change({ type: 'attached', attached })
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
  async retry(queued: Queued): Promise<void> {
    await this.#keepQueued({ ...queued, refusal: undefined })
    await this.#loadQueue()
    void this.flush()
  }

  /** Removes a message that waits, also while its file is sent. */
  async discard({ clientId }: Queued): Promise<void> {
    await this.#options.outbox.remove(clientId)
    this.#uploads.get(clientId)?.abort()
    await this.#loadQueue()
    this.#tabs.tell({ type: 'queue' })
  }

  /** Shows a conversation; without one, a new one begins. */
  async show(conversationId?: string): Promise<void> {
    this.#change({ type: 'show', conversationId })
    if (conversationId === undefined) return
    await this.#attempt(() => this.#loadMessages(conversationId))
    this.#markRead()
  }

  async loadOlder(): Promise<void> {
    const active = activeOf(this.state)
    const first = active?.messages?.[0]
    if (!active?.hasOlder || active.isLoadingOlder || !first) return
    const { id: conversationId } = active
    this.#change({ type: 'loading-older', conversationId, isLoading: true })
    const page = await this.#options.api.listMessages(conversationId, first.id).catch(() => undefined)
    if (page) this.#change({ type: 'messages', conversationId, ...page, isOlder: true })
    else this.#change({ type: 'loading-older', conversationId, isLoading: false })
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
    clearTimeout(this.#retryTimer)
    clearTimeout(this.#enterTimer)
    this.#tabs.close()
    void this.#options.outbox.close()
  }

  /** Sends what waits, in order; in one tab at a time. */
  async flush(): Promise<void> {
    this.#mustFlush = true
    if (this.#isFlushing) return
    this.#isFlushing = true
    clearTimeout(this.#retryTimer)
    try {
      while (this.#mustFlush && !this.#ended.signal.aborted) {
        this.#mustFlush = false
        const { signal } = this.#session
        await this.#tabs.alone('queue', signal, () => this.#flushAlone(signal))
      }
      this.#retries = 0
    } catch (error) {
      if (this.#isExpired(error)) return
      const pause = Math.min(LONGEST_RETRY_MS, 1_000 * 2 ** this.#retries++) * (0.5 + Math.random() / 2)
      this.#retryTimer = setTimeout(() => void this.flush(), Math.max(pause, retryAfterOf(error)))
    } finally {
      this.#isFlushing = false
    }
  }

  async #flushAlone(signal: AbortSignal): Promise<void> {
    const nextOf = async (): Promise<Queued | undefined> => {
      const next = (await this.#options.outbox.list()).find(({ refusal }) => !refusal)
      return signal.aborted ? undefined : next
    }
    while (await nextOf()) {
      await this.#visitor.ensure()
      await this.#enter()
      // That may have been the session of somebody else, who does not send what was written before.
      const next = await nextOf()
      if (next === undefined) return
      const conversationId = next.conversationId ?? (await this.#conversationFor(next))
      if (signal.aborted) return
      await this.#sendQueued({ ...next, conversationId }, conversationId)
    }
  }

  /** Messages that were written before there was a conversation go to one; those of a new chat to a new one. */
  async #conversationFor({ isNewChat }: Queued): Promise<string> {
    const { outbox } = this.#options
    const active = activeOf(this.state)
    if (!this.#knowsConversations) throw new TypeError('the conversations could not be loaded')
    const conversationId = active && !active.closedAt && !isNewChat ? active.id : await this.#begin()
    for (const queued of await outbox.list()) {
      if (queued.conversationId === undefined) await outbox.replace({ ...queued, conversationId })
    }
    await this.#loadQueue()
    return conversationId
  }

  /** The business hears of a visitor who opens the chat for the first time, and may say hello. */
  async #greet(): Promise<void> {
    const { phase, isOpen, conversations } = this.state
    if (!this.#knowsConversations || phase !== 'ready' || !isOpen || conversations.length > 0) return
    // If it fails, the first message begins it.
    await this.#begin().catch((error) => this.#isExpired(error))
  }

  /** A new conversation. Two calls at once begin one. */
  #begin(): Promise<string> {
    this.#beginning ??= this.#beginOnce().finally(() => {
      this.#beginning = undefined
    })
    return this.#beginning
  }

  async #beginOnce(): Promise<string> {
    // The same key until it succeeds: an answer that was lost makes no second conversation.
    this.#beginningKey ??= nextClientId()
    const conversation = await this.#options.api.createConversation(this.#beginningKey)
    this.#beginningKey = undefined
    this.#change({ type: 'conversations', conversations: [conversation] })
    this.#change({ type: 'messages', conversationId: conversation.id, messages: [], hasOlder: false })
    this.#change({ type: 'show', conversationId: conversation.id })
    return conversation.id
  }

  async #sendQueued(queued: Queued, conversationId: string): Promise<void> {
    const { api, outbox } = this.#options
    const { clientId } = queued
    const { signal } = this.#session
    try {
      const payload = await this.#uploaded(queued, conversationId)
      if (queued.file && !(await this.#isQueued(clientId))) return
      const message = await api.send(conversationId, payload, clientId)
      await outbox.remove(clientId)
      if (message && !signal.aborted)
        this.#apply({ event: { name: 'message', data: { ...message, conversationId } } })
    } catch (error) {
      if (!(await this.#isQueued(clientId))) return
      if (!(error instanceof HubError) || error.isTemporary || error.status === 401) throw error
      // The hub has it: its answer was lost, and since then the id of the file, or what a button offers, has changed.
      if (error.code === 'MISMATCH') await outbox.remove(clientId)
      else await outbox.replace({ ...queued, refusal: refusalOf(error) })
    }
    await this.#loadQueue()
    this.#tabs.tell({ type: 'queue' })
  }

  /** Whether the visitor has not taken it back, here or in another tab. */
  async #isQueued(clientId: string): Promise<boolean> {
    return (await this.#options.outbox.list()).some((queued) => queued.clientId === clientId)
  }

  /** The payload, with the id of its file. An upload that succeeded is not repeated while its id is good. */
  async #uploaded(queued: Queued, conversationId: string): Promise<Json> {
    const { file, payload, clientId, upload: before } = queued
    if (file === undefined || (before && Date.now() - before.at < UPLOAD_LASTS_MS))
      return before ? { ...payload, upload: before.id } : payload
    const progress = (share: number): void => this.#change({ type: 'progress', clientId, progress: share })
    const upload = new AbortController()
    this.#uploads.set(clientId, upload)
    const id = await this.#options.api
      .upload(conversationId, { file, name: String(payload.title), signal: upload.signal }, progress)
      .finally(() => this.#uploads.delete(clientId))
    await this.#options.outbox.replace({ ...queued, upload: { id, at: Date.now() } })
    return { ...payload, upload: id }
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
      const pause = Math.min(LONGEST_RETRY_MS, 1_000 * 2 ** this.#retries++)
      this.#enterTimer = setTimeout(() => void this.#comeBack(), Math.max(pause, retryAfterOf(error)))
    })
    return this.#starting
  }

  /** The hub may be reached again. */
  async #comeBack(): Promise<void> {
    if (this.#isWanted) await this.#enter()
    await this.flush()
  }

  async #enterOnce(): Promise<void> {
    const { keep, config } = this.#options
    const { signal } = this.#session
    const isNew = await this.#visitor.ensure()
    if (signal.aborted) return
    this.#userId = keep.get().userId
    if (!isNew) await this.#loadConversations()
    if (signal.aborted) return
    this.#knowsConversations = true
    const hasStarted = this.state.conversations.length > 0 || keep.get().hasForm || !config.form
    if (!hasStarted) return this.#change({ type: 'phase', phase: 'form' })
    this.#change({ type: 'phase', phase: 'ready' })
    void this.#follow(signal)
    void this.#greet().then(() => this.flush())
    this.#markRead()
  }

  /** The conversations cannot be reached any more. What was not sent goes to the next one. */
  async #leaveConversations(): Promise<void> {
    const { outbox } = this.#options
    this.#change({ type: 'signed-out' })
    for (const queued of await outbox.list())
      await outbox.replace({ ...queued, conversationId: undefined, upload: undefined })
    await this.#loadQueue()
  }

  async #forget(): Promise<void> {
    this.#options.keep.clear()
    await this.#options.outbox.clear()
    this.#change({ type: 'signed-out' })
  }

  async #loadConversations(): Promise<void> {
    const { api } = this.#options
    const conversations = await this.#load(
      () => api.listConversations(),
      (loaded) => this.#change({ type: 'conversations', conversations: loaded }),
    )
    const { activeId } = this.state
    const active = activeId ?? (conversations.find(({ closedAt }) => !closedAt) ?? conversations[0])?.id
    if (active === undefined) return
    await this.#loadMessages(active)
    if (this.state.activeId !== active) this.#change({ type: 'show', conversationId: active })
  }

  async #loadMessages(conversationId: string): Promise<void> {
    await this.#load(
      () => this.#options.api.listMessages(conversationId),
      (page) => this.#change({ type: 'messages', conversationId, ...page }),
    )
  }

  /** Loads something and shows it. What happened meanwhile may not be in it, so it is applied once more. */
  async #load<T>(load: () => Promise<T>, show: (loaded: T) => void): Promise<T> {
    const { signal } = this.#session
    const happened: HubEvent[] = []
    this.#loads.add(happened)
    try {
      const loaded = await load()
      // Somebody else may be here by now.
      signal.throwIfAborted()
      show(loaded)
      for (const event of happened) this.#change({ type: 'event', event })
      return loaded
    } finally {
      this.#loads.delete(happened)
    }
  }

  /** Loads again what is shown, where the stream cannot tell what happened. Tries until it succeeds. */
  async #reload(): Promise<void> {
    const { signal } = this.#session
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await this.#loadConversations()
        return this.#markRead()
      } catch (error) {
        if (this.#isExpired(error)) return
        await pause(failures, signal, retryAfterOf(error))
      }
    }
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
    if (connection === 'online') void this.flush()
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
        return this.#loadQueue()
      case 'session': {
        const { token, userId } = this.#options.keep.get()
        const isSame = userId !== undefined && userId === this.#userId
        // Another tab has signed the same customer in anew: what is written here stays.
        if (isSame && this.state.phase !== 'expired') return
        this.#restart()
        this.#change({ type: 'signed-out' })
        await this.#loadQueue()
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
    this.#knowsConversations = false
    this.#position = undefined
    this.#userId = undefined
    this.#retries = 0
  }

  #apply({ event, to }: Placed): void {
    if (to !== undefined) this.#position = to
    for (const happened of this.#loads) if (event.name !== 'typing') happened.push(event)
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

  async #keepQueued(queued: Queued): Promise<void> {
    const { outbox, keep } = this.#options
    const kept = outbox.put(queued)
    // Not after that: the visitor may leave the page meanwhile.
    keep.set({ hasQueue: true })
    await kept
    this.#tabs.tell({ type: 'queue' })
  }

  async #loadQueue(): Promise<void> {
    const queue = await this.#options.outbox.list()
    const { keep } = this.#options
    const hasQueue = queue.length > 0
    if ((keep.get().hasQueue ?? false) !== hasQueue) keep.set({ hasQueue })
    this.#change({ type: 'queue', queue })
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

let count = 0

/** Unique, and in the order of writing. */
function nextClientId(): string {
  count += 1
  const random = crypto.getRandomValues(new Uint32Array(4))
  return [
    Date.now().toString(36),
    count.toString(36).padStart(4, '0'),
    ...[...random].map((part) => part.toString(36)),
  ].join('-')
}

function kindOf(type: string): MediaKind {
  const [kind] = type.split('/', 1)
  return kind === 'image' || kind === 'audio' || kind === 'video' ? kind : 'file'
}

/** Types such as `image/*` and `application/pdf`; none means any. */
const isAccepted = (type: string, types: readonly string[]): boolean =>
  types.length === 0 ||
  types.some(
    (accepted) =>
      accepted === type ||
      accepted === '*/*' ||
      (accepted.endsWith('/*') && type.startsWith(accepted.slice(0, -1))),
  )

function refusalOf({ status }: HubError): Notice {
  if (status === 413) return 'file-too-large'
  return status === 415 ? 'file-type' : 'refused'
}
