import type { VisitorApi } from './api.js'

/** How often the bot hears that the visitor still writes, in milliseconds. */
const TYPING_EVERY_MS = 4_000
/** How often the hub hears what was read, in milliseconds. */
const READ_EVERY_MS = 2_000
/** After how long without a key the visitor no longer writes, and without a word the business, in milliseconds. */
export const TYPING_ENDS_MS = 6_000

/**
 * What the business sees of the visitor besides messages: that they write, and what they have read. No more often than it
 * matters, and without repetition when it fails.
 */
export class Signals {
  readonly #api: Pick<VisitorApi, 'tellTyping' | 'markRead'>
  #readTold = 0
  #readTimer: ReturnType<typeof setTimeout> | undefined
  #typingIn: string | undefined
  #typingTold = 0
  #typingTimer: ReturnType<typeof setTimeout> | undefined

  constructor(api: Pick<VisitorApi, 'tellTyping' | 'markRead'>) {
    this.#api = api
  }

  /** The visitor wrote something; without a further call they have stopped. */
  typing(conversationId: string): void {
    if (this.#typingIn !== conversationId) this.stopTyping()
    clearTimeout(this.#typingTimer)
    this.#typingTimer = setTimeout(() => this.stopTyping(), TYPING_ENDS_MS)
    if (this.#typingIn === conversationId && Date.now() - this.#typingTold < TYPING_EVERY_MS) return
    this.#typingIn = conversationId
    this.#typingTold = Date.now()
    void this.#api.tellTyping(conversationId, true).catch(() => {})
  }

  stopTyping(): void {
    clearTimeout(this.#typingTimer)
    const conversationId = this.#typingIn
    if (conversationId === undefined) return
    this.#typingIn = undefined
    void this.#api.tellTyping(conversationId, false).catch(() => {})
  }

  /** At once, and then no more often than {@link READ_EVERY_MS}: the hub limits how often it hears of it. */
  read(conversationId: string, position: number): void {
    const tell = (): void => {
      this.#readTold = Date.now()
      void this.#api.markRead(conversationId, position).catch(() => {})
    }
    clearTimeout(this.#readTimer)
    const wait = this.#readTold + READ_EVERY_MS - Date.now()
    if (wait <= 0) tell()
    else this.#readTimer = setTimeout(tell, wait)
  }
}
