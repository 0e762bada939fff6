/** Longest text of a message, in UTF-16 units: https://core.telegram.org/bots/api. */
export const MAX_TEXT = 4096
export const MAX_CAPTION = 1024
/** Title or address of a venue; longer ones follow in a message of their own. */
export const MAX_PLACE = 255
/** Buttons in one keyboard; more are not shown. */
export const MAX_BUTTONS = 100
/** Longest label; the apps cut longer ones. */
export const MAX_LABEL = 64
/** Entities in one message; more are ignored. */
export const MAX_ENTITIES = 100
