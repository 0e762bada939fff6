import type { Author, Id } from '@plugboard/core'
import type { ClientView } from '../clients/directory.js'
import type { Live } from '../live/live.js'
import type { Conversations } from './conversations.js'
import type { Signals } from './typing-and-read-marks.js'

export interface TypingOptions {
  conversations: Conversations
  signals: Signals
  live: Pick<Live, 'show'>
}

/**
 * Reports typing to the other side: a person's typing to webhooks, the business's typing to providers; and to all who
 * follow the conversation.
 */
export class Typing {
  readonly #options: TypingOptions

  constructor(options: TypingOptions) {
    this.#options = options
  }

  /** Resolves before providers are called; their failures are ignored. @throws NOT_FOUND */
  async show(client: ClientView, conversationId: Id, by: Author, isTyping: boolean): Promise<void> {
    const { conversations, signals, live } = this.#options
    const { endpoints } = await conversations.get(client, conversationId)
    const activity = { type: 'typing', isTyping, ...(by !== 'business' && { userId: by.userId }) } as const
    live.show(client, conversationId, activity)
    if (conversations.isTold(client, 'typing')) await conversations.note(client, conversationId, activity)
    if (by === 'business' && isTyping) signals.send(client, endpoints, 'indicateTyping')
  }
}
