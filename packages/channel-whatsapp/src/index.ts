/**
 * WhatsApp, through the Cloud API of Meta. README.md has the setup and what is supported.
 * @packageDocumentation
 */
import { defineChannel } from '@plugboard/core'
import { account, configSchema, optionsSchema } from './config.js'
import {
  MAX_CAPTION,
  MAX_JSON_VALUES,
  MAX_ROW_TITLE,
  MAX_ROWS,
  MAX_TEXT,
  PACE_FOR_A_PERSON,
  PACE_OF_A_NUMBER,
} from './limits.js'

export const whatsapp = defineChannel({
  contract: 1,
  name: 'whatsapp',
  title: 'WhatsApp',
  version: '1.0.0',
  config: configSchema,
  options: optionsSchema,
  secrets: ['accessToken', 'appSecret', 'verifyToken'],
  account,
  capabilities: {
    content: [
      ...(['text', 'image', 'audio', 'voice', 'video', 'file', 'location'] as const),
      ...(['card', 'single-choice', 'template'] as const),
    ],
    maxTextLength: MAX_TEXT,
    maxCaptionLength: MAX_CAPTION,
    // Up to three are reply buttons, more are a list.
    buttons: { max: MAX_ROWS, maxLabel: MAX_ROW_TITLE },
    // Groups have a thread: https://developers.facebook.com/documentation/business-messaging/whatsapp/groups/
    at: ({ thread }) =>
      thread !== '*' ? { content: ['text', 'image', 'audio', 'voice', 'video', 'file', 'template'] } : {},
    // Presses, replies and reactions name the message.
    messageIds: true,
    // A person has a number, which may be hidden or change, and an id for the business.
    renames: ['sender'],
    rate: { perEndpoint: PACE_FOR_A_PERSON, perIntegration: PACE_OF_A_NUMBER },
    window: { hours: 24, allows: 'templates that WhatsApp has approved' },
    // The id of the last message of the person: read marks and the typing indicator need it.
    context: true,
  },
  inbound: { maxJsonValues: MAX_JSON_VALUES, isShared: true },
  setup: async (...where) => (await import('./setup.js')).setup(...where),
  // The Markdown parser comes with the runtime, so only a server that uses the channel pays for it.
  load: async (host) => (await import('./runtime.js')).runtime(host),
})

/** What the server imports. @alias */
export default whatsapp
