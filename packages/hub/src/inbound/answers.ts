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

/** How far back a question may be, in messages. */
const MESSAGES_BACK = 50
/** A longer text is no label of an option. */
const MAX_ANSWER = 200

/** Finds what people mean who press a button or type the number of an option: read from the store, on any replica. */
export class Answers {
  readonly #options: AnswersOptions

  constructor(options: AnswersOptions) {
    this.#options = options
  }

  /** What a pressed button says; undefined when its token is not ours, or its message is gone. */
  async toButton(place: Place, token: string): Promise<ButtonReply | undefined> {
    const { store, tokens } = this.#options
    const button = tokens.open(token, place)
    const entry = button && (await store.findEntry(place.clientId, button.messageId))
    if (!entry || entry.deletedAt || entry.streamId !== place.conversationId) return undefined
    return buttonsOf(payloadOf(entry))[button.index]?.reply
  }

  /**
   * What a text says that answers the newest message of the business with options, where that message was shown with
   * numbers; undefined for any other text.
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
