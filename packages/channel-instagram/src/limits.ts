/**
 * Longest text of a message, in bytes of UTF-8.
 * https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/messaging-api
 */
export const MAX_TEXT_BYTES = 1000

/**
 * Calls a second for one account, for messages without audio and video.
 * https://developers.facebook.com/documentation/business-messaging/messenger-platform/overview/rate-limiting
 */
export const CALLS_PER_SECOND = 300
