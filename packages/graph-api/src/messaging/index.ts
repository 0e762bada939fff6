/**
 * What Messenger and Instagram have in common: their notifications, and the messages that they take.
 * @packageDocumentation
 */
export { cutBytes } from './cut-bytes.js'
export { deliverer, sendsAction } from './deliver.js'
export { fileStores, type IsFile, openFile } from './media.js'
export { type MessageForm, messageParts } from './messages.js'
export { parser, router } from './receive.js'
