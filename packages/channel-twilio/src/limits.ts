/**
 * Longest body of a message, in UTF-16 units; the same for GSM-7 and UCS-2.
 * https://www.twilio.com/docs/messaging/api/message-resource, https://www.twilio.com/docs/api/errors/21617
 */
export const MAX_TEXT = 1600
/** Longest caption that WhatsApp shows; a longer one follows as a text of its own. */
export const MAX_CAPTION = 1024
/** Longest name of a place that WhatsApp shows. */
export const MAX_PLACE = 1000
/**
 * Longest request of Twilio, in bytes. A text has 1600 characters, on WhatsApp 4096, and a form may need nine bytes for
 * each.
 */
export const MAX_REQUEST_BYTES = 65_536
