/** Where the chat is, and what a page decides about it. The rest comes from the configuration of the client. */
export interface WebChatOptions {
  /** Address of the hub: `https://hub.example`. */
  url: string
  /** Id or name of the client. */
  client: string
  /** `button` (default): a button in a corner opens the chat. `page`: the chat fills the window. */
  mode?: 'button' | 'page'
  /** Language of the chat, such as `de` or `pt-BR`. Default: that of the page, then those of the browser. */
  language?: string
  /** Default `auto`: as the visitor's system. */
  theme?: 'auto' | 'light' | 'dark'
  /** Whether to leave out the button, because the page has its own. Default false. */
  isButtonHidden?: boolean
}

/** A message of the visitor that a page sends. */
export type OutgoingPayload = { type: 'text'; text: string } | { type: string; [field: string]: unknown }

/** What `on` reports. */
export interface WebChatEvents {
  /** The chat was opened. */
  open: undefined
  /** The chat was closed. */
  close: undefined
  /** A message of the business or of the visitor was added to a conversation, while the chat is loaded. */
  message: { conversationId: string; id: string; isMine: boolean; payload: unknown }
  /** How many messages the visitor has not read. */
  unread: number
  /** The token that `identify` got is no longer valid: call it again with a new one. */
  expired: undefined
}

/** The chat of a page. */
export interface WebChat {
  open(): void
  close(): void
  toggle(): void
  /**
   * Signs a known customer in, with a JWT that the site signed; what the guest wrote before is kept. `null` signs out,
   * and removes everything that the chat stored in this browser.
   */
  identify(token: string | null): void
  /** Opens the chat and sends a message of the visitor. */
  send(message: string | OutgoingPayload): void
  /** Calls `listener` at each event. Returns a function that ends it. */
  on<T extends keyof WebChatEvents>(event: T, listener: (data: WebChatEvents[T]) => void): () => void
  /** Removes the chat from the page. What is stored stays. */
  destroy(): void
}
