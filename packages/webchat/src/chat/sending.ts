import type { Keep } from '../storage.js'
import { HubError, retryAfterOf, type VisitorApi } from './api.js'
import { nextClientId } from './client-id.js'
import type { Conversations } from './conversations.js'
import type { Json } from './message.js'
import type { Outbox } from './outbox.js'
import type { Retries } from './retries.js'
import { activeOf, type Change, type HubEvent, type Notice, type Queued, type State } from './state.js'
import type { Tabs } from './tabs.js'

export interface SendingOptions {
  api: Pick<VisitorApi, 'send' | 'upload'>
  keep: Keep
  outbox: Outbox
  tabs: Tabs
  retries: Retries
  conversations: Pick<Conversations, 'isLoaded' | 'begin'>
  state(): State
  change(change: Change): void
  /** The chat was removed from the page. */
  ended: AbortSignal
  /** Ends with the session: somebody else may be here then. */
  session(): AbortSignal
  /** Signs the visitor in, if they are not, and loads what they have. */
  enter(): Promise<void>
  /** Whether an error says that the hub no longer knows the visitor. */
  isExpired(error: unknown): boolean
  /** The hub has a message. */
  sent(event: HubEvent): void
}

/** The hub keeps the id of an upload for an hour; the clocks may differ. In milliseconds. */
const UPLOAD_LASTS_MS = 45 * 60_000

/**
 * Sends the messages of the outbox, in the order in which they were written, until the hub has each of them once. The
 * outbox is shared by the tabs; one of them sends at a time.
 */
export class Sending {
  readonly #options: SendingOptions
  #isFlushing = false
  /** Something was added while the queue was sent. */
  #mustFlush = false
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  /** Those under way, by the id of their message. */
  readonly #uploads = new Map<string, AbortController>()

  constructor(options: SendingOptions) {
    this.#options = options
  }

  /** Shows the message at once, and sends it when the hub can be reached. */
  async add(payload: Queued['payload'], file?: Blob): Promise<void> {
    const { state, change } = this.#options
    const { activeId, conversations, queue } = state()
    const queued: Queued = {
      clientId: nextClientId(),
      conversationId: activeId,
      ...(activeId === undefined && conversations.length > 0 && { isNewChat: true }),
      ...{ createdAt: new Date().toISOString(), payload, file },
    }
    change({ type: 'queue', queue: [...queue, queued] })
    await this.#keep(queued)
    void this.flush()
  }

  /** Sends a message again that the hub refused. */
  async retry(queued: Queued): Promise<void> {
    await this.#keep({ ...queued, refusal: undefined })
    await this.show()
    void this.flush()
  }

  /** Removes a message that waits, also while its file is sent. */
  async discard({ clientId }: Queued): Promise<void> {
    await this.#options.outbox.remove(clientId)
    this.#uploads.get(clientId)?.abort()
    await this.show()
    this.#options.tabs.tell({ type: 'queue' })
  }

  /** Shows what waits. */
  async show(): Promise<void> {
    const { outbox, keep, change } = this.#options
    const queue = await outbox.list()
    const hasQueue = queue.length > 0
    if ((keep.get().hasQueue ?? false) !== hasQueue) keep.set({ hasQueue })
    change({ type: 'queue', queue })
  }

  /** The conversations cannot be reached any more: what was not sent goes to the next one. */
  async leaveConversations(): Promise<void> {
    const { outbox } = this.#options
    for (const queued of await outbox.list())
      await outbox.replace({ ...queued, conversationId: undefined, upload: undefined })
    await this.show()
  }

  stop(): void {
    clearTimeout(this.#retryTimer)
  }

  /** Sends what waits, in order; in one tab at a time. */
  async flush(): Promise<void> {
    const { tabs, retries, ended, session, isExpired } = this.#options
    this.#mustFlush = true
    if (this.#isFlushing) return
    this.#isFlushing = true
    clearTimeout(this.#retryTimer)
    try {
      while (this.#mustFlush && !ended.aborted) {
        this.#mustFlush = false
        const signal = session()
        await tabs.alone('queue', signal, () => this.#flushAlone(signal))
      }
      retries.reset()
    } catch (error) {
      if (isExpired(error)) return
      const pause = retries.nextMs() * (0.5 + Math.random() / 2)
      this.#retryTimer = setTimeout(() => void this.flush(), Math.max(pause, retryAfterOf(error)))
    } finally {
      this.#isFlushing = false
    }
  }

  async #flushAlone(signal: AbortSignal): Promise<void> {
    const { outbox, enter } = this.#options
    const nextOf = async (): Promise<Queued | undefined> => {
      const next = (await outbox.list()).find(({ refusal }) => !refusal)
      return signal.aborted ? undefined : next
    }
    while (await nextOf()) {
      await enter()
      // That may have been the session of somebody else, who does not send what was written before.
      const next = await nextOf()
      if (next === undefined) return
      const conversationId = next.conversationId ?? (await this.#conversationFor(next))
      if (signal.aborted) return
      await this.#send({ ...next, conversationId }, conversationId)
    }
  }

  /** Messages that were written before there was a conversation go to one; those of a new chat to a new one. */
  async #conversationFor({ isNewChat }: Queued): Promise<string> {
    const { outbox, conversations, state } = this.#options
    const active = activeOf(state())
    if (!conversations.isLoaded) throw new TypeError('the conversations could not be loaded')
    const isThere = active && !active.closedAt && !isNewChat
    const conversationId = isThere ? active.id : await conversations.begin()
    for (const queued of await outbox.list()) {
      if (queued.conversationId === undefined) await outbox.replace({ ...queued, conversationId })
    }
    await this.show()
    return conversationId
  }

  async #send(queued: Queued, conversationId: string): Promise<void> {
    const { api, outbox, tabs, session, sent } = this.#options
    const { clientId } = queued
    const signal = session()
    try {
      const payload = await this.#uploaded(queued, conversationId)
      if (queued.file && !(await this.#isQueued(clientId))) return
      const message = await api.send(conversationId, payload, clientId)
      await outbox.remove(clientId)
      if (message && !signal.aborted) sent({ name: 'message', data: { ...message, conversationId } })
    } catch (error) {
      if (!(await this.#isQueued(clientId))) return
      if (!(error instanceof HubError) || error.isTemporary || error.status === 401) throw error
      // The hub has it: its answer was lost, and since then the id of the file, or what a button offers, has changed.
      if (error.code === 'MISMATCH') await outbox.remove(clientId)
      else await outbox.replace({ ...queued, refusal: refusalOf(error) })
    }
    await this.show()
    tabs.tell({ type: 'queue' })
  }

  /** Whether the visitor has not taken it back, here or in another tab. */
  async #isQueued(clientId: string): Promise<boolean> {
    return (await this.#options.outbox.list()).some((queued) => queued.clientId === clientId)
  }

  /** The payload, with the id of its file. An upload that succeeded is not repeated while its id is good. */
  async #uploaded(queued: Queued, conversationId: string): Promise<Json> {
    const { api, outbox, change } = this.#options
    const { file, payload, clientId, upload: before } = queued
    if (file === undefined || (before && Date.now() - before.at < UPLOAD_LASTS_MS))
      return before ? { ...payload, upload: before.id } : payload
    const progress = (share: number): void => change({ type: 'progress', clientId, progress: share })
    const upload = new AbortController()
    this.#uploads.set(clientId, upload)
    const id = await api
      .upload(conversationId, { file, name: String(payload.title), signal: upload.signal }, progress)
      .finally(() => this.#uploads.delete(clientId))
    await outbox.replace({ ...queued, upload: { id, at: Date.now() } })
    return { ...payload, upload: id }
  }

  async #keep(queued: Queued): Promise<void> {
    const { outbox, keep, tabs } = this.#options
    const kept = outbox.put(queued)
    // Not after that: the visitor may leave the page meanwhile.
    keep.set({ hasQueue: true })
    await kept
    tabs.tell({ type: 'queue' })
  }
}

function refusalOf({ status }: HubError): Notice {
  if (status === 413) return 'file-too-large'
  return status === 415 ? 'file-type' : 'refused'
}
