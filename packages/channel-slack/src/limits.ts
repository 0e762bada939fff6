/**
 * JSON values in a request. Of what Slack sends, each value takes more than ten bytes, so that this is reached only by
 * requests that are larger than the host accepts: a table with formatted cells has ten values in each.
 */
export const MAX_JSON_VALUES = 100_000
/** Longest text of a message, in UTF-16 units. */
export const MAX_TEXT = 40_000
/** Blocks in a message. */
export const MAX_BLOCKS = 50
/**
 * Longest JSON of a rich text block, in characters. Slack refuses messages of about 13,000 characters with
 * `msg_blocks_too_long` and does not document how it counts: https://github.com/slackapi/bolt-js/issues/2509
 */
export const MAX_RICH_TEXT = 12_000
/** Longest JSON of all cards in one message, in characters. */
export const MAX_CARDS = 10_000
/** Longest text of a section. */
export const MAX_SECTION = 3000
/** Longest address of a link. */
export const MAX_URL = 3000
/** Longest description of a picture. */
export const MAX_ALT = 2000
/** Longest name of a place inside the map link's message; a longer one is a message of its own. */
export const MAX_PLACE = 1000
/** Buttons in a row; Slack folds a row of more than five. */
export const MAX_BUTTONS = 25
/** Longest label of a button or an option. */
export const MAX_LABEL = 75
/** Options in a menu. */
export const MAX_OPTIONS = 100
/** Labels and tokens of one menu together, in characters, so that its message stays within {@link MAX_RICH_TEXT}. */
export const MAX_MENU = 9000
/** Longest placeholder of a menu. */
export const MAX_PLACEHOLDER = 150
