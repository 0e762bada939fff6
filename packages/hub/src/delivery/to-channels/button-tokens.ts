import type { Id } from '@plugboard/core'
import type { Keyring } from '../../clients/keyring.js'

/** A button: of which message, and which of its buttons. */
export interface ButtonPlace {
  clientId: Id
  messageId: Id
  index: number
}

const ID_BYTES = 12
const INDEX_BYTES = 2
const MAC_BYTES = 16
/** 30 bytes are 40 characters: within what every provider carries (Telegram's 64 bytes are the least). */
const TOKEN = /^[\w-]{40}$/

/**
 * The values of buttons at a provider: which button of which message, and a proof that Plugboard made it for this client.
 * Nothing is stored, so any replica can read it, also after the message was deleted. `replaceButtons` in core puts them
 * into a payload. Who may press the button is checked by the caller: a person may know the token of another conversation.
 */
export class ButtonTokens {
  readonly #keyring: Keyring

  constructor(keyring: Keyring) {
    this.#keyring = keyring
  }

  seal(place: ButtonPlace): string {
    const head = Buffer.alloc(ID_BYTES + INDEX_BYTES)
    head.write(place.messageId, 'hex')
    head.writeUInt16BE(place.index, ID_BYTES)
    return Buffer.concat([head, this.#keyring.mac(textOf(place), MAC_BYTES)]).toString('base64url')
  }

  /** The message that a token names, without proof; undefined for what is not in the form of a token. */
  messageOf(token: string): Id | undefined {
    return TOKEN.test(token)
      ? (Buffer.from(token, 'base64url').toString('hex', 0, ID_BYTES) as Id)
      : undefined
  }

  /**
   * The button that a token was made for; undefined for any other text. `conversationId` is that of the message that it
   * names, if the message is there: tokens of older versions are bound to it.
   */
  open(token: string, clientId: Id, conversationId?: Id): ButtonPlace | undefined {
    const messageId = this.messageOf(token)
    if (messageId === undefined) return undefined
    const bytes = Buffer.from(token, 'base64url')
    const place = { clientId, messageId, index: bytes.readUInt16BE(ID_BYTES) }
    const mac = bytes.subarray(ID_BYTES + INDEX_BYTES)
    if (this.#keyring.isMac(mac, textOf(place))) return place
    if (conversationId === undefined) return undefined
    return this.#keyring.isMac(mac, olderTextOf(place, conversationId)) ? place : undefined
  }
}

const textOf = ({ clientId, messageId, index }: ButtonPlace): string =>
  `button ${clientId} ${messageId} ${index}`

const olderTextOf = ({ clientId, messageId, index }: ButtonPlace, conversationId: Id): string =>
  `button ${clientId} ${conversationId} ${messageId} ${index}`
