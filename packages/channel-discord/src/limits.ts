/*
 * What Discord takes in a message. It counts characters; these are compared with UTF-16 units, which are never fewer.
 * https://docs.discord.com/developers/resources/message and https://docs.discord.com/developers/components/reference
 */

/** Longest text of a message. */
export const MAX_TEXT = 2000
/** Longest title and description of an embed, and longest words of all embeds of a message. */
export const MAX_TITLE = 256
export const MAX_DESCRIPTION = 4096
export const MAX_EMBEDDED = 6000
/** Embeds in a message. */
export const MAX_EMBEDS = 10
/** Buttons in a row, and rows in a message. */
export const BUTTONS_IN_ROW = 5
export const MAX_ROWS = 5
export const MAX_BUTTONS = BUTTONS_IN_ROW * MAX_ROWS
/** Longest label of a button. */
export const MAX_LABEL = 80
/** Longest address of a button, and of a picture in an embed. */
export const MAX_BUTTON_URL = 512
export const MAX_PICTURE_URL = 2048
/** Options in a menu, longest label of one, longest placeholder of a menu. */
export const MAX_OPTIONS = 25
export const MAX_OPTION_LABEL = 100
export const MAX_PLACEHOLDER = 150
/** Largest file that a bot may upload to a server without boosts, in bytes. */
export const MAX_FILE_BYTES = 10 * 1024 * 1024
/** Most shards of one integration: 80,000 servers. Their sessions are in one cursor, which has 4 KiB. */
export const MAX_SHARDS = 32
