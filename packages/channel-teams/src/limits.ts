/**
 * Largest message, in bytes of its JSON in UTF-16: about 28 KB for cards, and 100 KB with everything for texts.
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
 */
export const MAX_MESSAGE_BYTES = 28 * 1024
/** Longest text, in UTF-16 units, so that its JSON fits a message even if each character is escaped. */
export const MAX_TEXT = 6000
/** Longest title below a picture; a longer one is a message of its own. */
export const MAX_CAPTION = 1000
/** Buttons below one message. */
export const MAX_BUTTONS = 20
/** Buttons in a row of a card; Teams does not show more of them. */
export const MAX_ROW = 6
/** Longest label of a button; the apps cut longer ones to the width of the card. */
export const MAX_LABEL = 50
/** Longest label of an item of a menu. */
export const MAX_ITEM = 100
/** Items of one menu. */
export const MAX_ITEMS = 40
/** Cards beside each other in one message. */
export const MAX_CARDS = 10
/** Lines of a text inside a card; a text with more is a message of its own. */
export const MAX_LINES = 60
/** Longest address of a link or a picture. */
export const MAX_URL = 2000
