/** Longest text of a message, in UTF-16 units. https://developers.facebook.com/docs/messenger-platform/reference/send-api */
export const MAX_TEXT = 2000

/**
 * Calls a second for one page, for messages without audio and video.
 * https://developers.facebook.com/documentation/business-messaging/messenger-platform/overview/rate-limiting
 */
export const CALLS_PER_SECOND = 300
