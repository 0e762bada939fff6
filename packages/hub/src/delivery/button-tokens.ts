import type { Id } from '@plugboard/core'
import type { Keyring } from '../clients/keyring.js'

/** Where a message with buttons is. */
export interface ButtonPlace {
  clientId: Id
  conversationId: Id
  messageId: Id
}

const ID_BYTES = 12
const INDEX_BYTES = 2
const MAC_BYTES = 16
/** 30 bytes are 40 characters: within what every provider carries (Telegram's 64 bytes are the least). */
const TOKEN = /^[\w-]{40}$/

/**
 * The values of buttons at a provider: which button of which message, and a proof that Plugboard made it. Nothing is
 * stored, so any replica can read it. `replaceButtons` in core puts them into a payload. A value that a person made up, or took from another conversation, is rejected.
 */
export class ButtonTokens {
  readonly #keyring: Keyring

  constructor(keyring: Keyring) {
    this.#keyring = keyring
  }

  seal(place: ButtonPlace, index: number): string {
    const head = Buffer.alloc(ID_BYTES + INDEX_BYTES)
    head.write(place.messageId, 'hex')
    head.writeUInt16BE(index, ID_BYTES)
    return Buffer.concat([head, this.#mac(place, index)]).toString('base64url')
  }

  /** The message that a token names, without proof; undefined for what is not in the form of a token. */
  messageOf(token: string): Id | undefined {
    return TOKEN.test(token)
      ? (Buffer.from(token, 'base64url').toString('hex', 0, ID_BYTES) as Id)
      : undefined
  }

  /** The button that a token was made for, in this conversation; undefined for anything else. */
  open(token: string, where: Omit<ButtonPlace, 'messageId'>): { messageId: Id; index: number } | undefined {
    const messageId = this.messageOf(token)
    if (messageId === undefined) return undefined
    const bytes = Buffer.from(token, 'base64url')
    const index = bytes.readUInt16BE(ID_BYTES)
    const isOurs = this.#keyring.isMac(
      bytes.subarray(ID_BYTES + INDEX_BYTES),
      textOf({ ...where, messageId }, index),
    )
    return isOurs ? { messageId, index } : undefined
  }

  #mac(place: ButtonPlace, index: number): Buffer {
    return this.#keyring.mac(textOf(place, index), MAC_BYTES)
  }
}

const textOf = ({ clientId, conversationId, messageId }: ButtonPlace, index: number): string =>
  `button ${clientId} ${conversationId} ${messageId} ${index}`
