/**
 * Limits of messages: https://developer.zendesk.com/api-reference/conversations/#tag/Messages. Lengths are in UTF-16
 * units.
 */
export const MAX_TEXT = 4096
/** Most buttons below a text or a picture. */
export const MAX_ACTIONS = 10
/** Longest label of a button, title and description of a card, and description of a file. */
export const MAX_LABEL = 128
/** Longest address. */
export const MAX_URL = 2048
/** Most cards of a carousel, and buttons of a card. */
export const [MAX_ITEMS, MAX_ITEM_ACTIONS] = [10, 3]
