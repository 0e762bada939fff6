/**
 * The web chat of Plugboard, for pages that are built with a bundler. Pages without one use the script of the hub.
 *
 * @packageDocumentation
 */
import { startChat } from './loader/launcher.js'
import type { WebChat, WebChatOptions } from './options.js'

export type { OutgoingPayload, WebChat, WebChatEvents, WebChatOptions } from './options.js'

declare const __CHAT_FILE__: string

/** Adds the chat to the page. The chat itself is loaded when it is first opened. */
export const createChat = (options: WebChatOptions): WebChat =>
  startChat(options, () => import(/* @vite-ignore */ __CHAT_FILE__))
