import type { Capabilities, Endpoint } from '@plugboard/core'
import { channelOf, hasMms } from './endpoint.js'

type Shown = Required<Pick<Capabilities, 'content' | 'maxTextLength' | 'maxCaptionLength' | 'buttons'>>

/** Requests a second that Vonage takes of an account: https://api.support.vonage.com/hc/en-us/articles/203993598 */
const PACE_OF_AN_ACCOUNT = { perSecond: 30, burst: 30 }
/**
 * The pace for one person on WhatsApp: a message every six seconds, and 45 at once:
 * https://developers.facebook.com/docs/whatsapp/cloud-api/overview#pair-rate-limits
 */
const PACE_FOR_A_PERSON = { perSecond: 0.16, burst: 45 }

/** Longest body of a WhatsApp message with buttons or a list, in characters. */
export const MAX_BODY = 1024
/** Most reply buttons of a WhatsApp message, and the longest label of one. More choices are a list. */
export const [MAX_REPLIES, MAX_REPLY_LABEL] = [3, 20]
/** Longest name and address of a place that WhatsApp shows. */
export const MAX_PLACE = 1000

/**
 * What WhatsApp shows: https://developer.vonage.com/en/api/messages, and for buttons and lists
 * https://developer.vonage.com/en/messages/concepts/working-with-whatsapp-interactive-messages
 */
export const whatsApp = {
  content: ['text', 'image', 'audio', 'video', 'file', 'location', 'card', 'single-choice', 'template'],
  maxTextLength: 4096,
  maxCaptionLength: 1024,
  // A list; up to three short ones are buttons.
  buttons: { max: 10, maxLabel: 24 },
  rate: { perIntegration: PACE_OF_AN_ACCOUNT, perEndpoint: PACE_FOR_A_PERSON },
} satisfies Shown & Pick<Capabilities, 'rate'>

/** What the other channels of Vonage show: https://developer.vonage.com/en/api/messages */
const others: Readonly<Record<string, Partial<Shown>>> = {
  sms: { content: ['text'], maxTextLength: 1000 },
  mms: { content: ['text', 'image', 'audio', 'video'], maxTextLength: 1000, maxCaptionLength: 2000 },
  // No captions: a title is a message of its own.
  messenger: {
    content: ['text', 'image', 'audio', 'video', 'file'],
    maxTextLength: 640,
    maxCaptionLength: 640,
  },
  viber_service: { content: ['text', 'image'], maxTextLength: 1000, maxCaptionLength: 1000 },
  rcs: { content: ['text', 'image', 'video', 'file'], maxTextLength: 3072, maxCaptionLength: 3072 },
}

/** What differs from WhatsApp at an endpoint. A channel that is not known here gets texts. */
export function capabilitiesAt(endpoint: Endpoint): Partial<Shown> & Pick<Capabilities, 'rate'> {
  const channel = channelOf(endpoint)
  if (channel === 'whatsapp') return {}
  const known = others[hasMms(endpoint) ? 'mms' : channel] ?? { content: ['text'], maxTextLength: 640 }
  return { ...known, rate: { perIntegration: PACE_OF_AN_ACCOUNT } }
}

/** Longest text of one message at an endpoint, in UTF-16 units. */
export const maxTextAt = (endpoint: Endpoint): number =>
  capabilitiesAt(endpoint).maxTextLength ?? whatsApp.maxTextLength

/** Longest request of Vonage, in bytes: an order has many items. */
export const MAX_REQUEST_BYTES = 131_072
