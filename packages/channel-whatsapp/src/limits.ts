/** Longest text, and longest body of a list. https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/text-messages */
export const MAX_TEXT = 4096
/** Longest caption of a file. */
export const MAX_CAPTION = 1024
/** Most reply buttons, their longest label, and the longest body above buttons. …/messages/interactive-reply-buttons-messages */
export const MAX_BUTTONS = 3
export const MAX_BUTTON_LABEL = 20
export const MAX_BODY = 1024
/** Most rows of a list, and the longest title of one. …/messages/interactive-list-messages */
export const MAX_ROWS = 10
export const MAX_ROW_TITLE = 24
/** Longest name and longest address of a place. */
export const MAX_PLACE = 1000

/** Most values of a notification: Meta puts up to 1,000 updates of about 40 values into one. */
export const MAX_JSON_VALUES = 60_000

/** The pace for one person: one message in six seconds, and up to 45 at once after a silence. Then error 131056. */
export const PACE_FOR_A_PERSON = { perSecond: 1 / 6, burst: 45 }
/** The pace of a number, in messages per second. https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput */
export const PACE_OF_A_NUMBER = { perSecond: 80, burst: 80 }

const MB = 1024 * 1024
export type FileType = 'image' | 'video' | 'audio' | 'document'

/** MIME types that WhatsApp shows in each form. */
const TYPES: Readonly<Record<FileType, readonly string[]>> = {
  image: ['image/jpeg', 'image/png'],
  video: ['video/mp4', 'video/3gpp', 'video/3gp'],
  audio: ['audio/aac', 'audio/amr', 'audio/mpeg', 'audio/mp4', 'audio/ogg', 'audio/opus'],
  document: [],
}

/**
 * In which form WhatsApp shows a file of this type that was wanted in a form: any file may be a document.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media#supported-media-types
 */
export function shownAs(wanted: FileType, mime: string | undefined): FileType {
  return mime !== undefined && TYPES[wanted].includes(mime) ? wanted : 'document'
}

/** Largest file in each form, in bytes. */
export const MAX_BYTES: Readonly<Record<FileType, number>> = {
  image: 5 * MB,
  video: 16 * MB,
  audio: 16 * MB,
  document: 100 * MB,
}
