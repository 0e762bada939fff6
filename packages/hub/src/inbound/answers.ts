import {
  type ButtonReply,
  buttonsOf,
  type Capabilities,
  type Id,
  type JsonObject,
  numberedAnswer,
  parseJsonObject,
} from '@plugboard/core'
import type { ButtonTokens } from '../delivery/button-tokens.js'
import type { Entry } from '../log/entry.js'
import type { Store } from '../ports/store.js'

export interface AnswersOptions {
  store: Store
  tokens: ButtonTokens
}

interface Place {
  clientId: Id
  conversationId: Id
}

/** How many messages back a question may be. */
const MESSAGES_BACK = 50
/** Longer texts are not compared with labels. */
const MAX_ANSWER = 200

/** Resolves button presses and typed numbers. Reads from the store, so any replica can do it. */
export class Answers {
  readonly #options: AnswersOptions

  constructor(options: AnswersOptions) {
    this.#options = options
  }

  /** Resolves a pressed button; undefined if its token is invalid, or its message was deleted. */
  async toButton(place: Place, token: string): Promise<ButtonReply | undefined> {
    const { store, tokens } = this.#options
    const button = tokens.open(token, place)
    const entry = button && (await store.findEntry(place.clientId, button.messageId))
    if (!entry || entry.deletedAt || entry.streamId !== place.conversationId) return undefined
    return buttonsOf(payloadOf(entry))[button.index]?.reply
  }

  /**
   * Resolves a text that answers the newest message of the business with numbered options; undefined for any other text.
   */
  async toText(place: Place, capabilities: Capabilities, text: string): Promise<ButtonReply | undefined> {
    if (capabilities.content === 'any' || text.length > MAX_ANSWER || text.trim() === '') return undefined
    const { clientId, conversationId } = place
    const entries = await this.#options.store.listMessages(clientId, conversationId, { limit: MESSAGES_BACK })
    for (const entry of entries ?? []) {
      if (entry.author !== 'business') continue
      const payload = payloadOf(entry)
      if (buttonsOf(payload).length > 0) return numberedAnswer(payload, capabilities, text)?.reply
    }
    return undefined
  }
}

const payloadOf = (entry: Entry): JsonObject => parseJsonObject(entry.payload)
