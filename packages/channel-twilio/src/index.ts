/**
 * SMS, MMS and WhatsApp through Twilio. README.md has the setup and what is supported.
 * @packageDocumentation
 */
import { defineChannel } from '@plugboard/core'
import { configSchema, optionsSchema } from './config.js'
import { isWhatsApp } from './endpoint.js'
import { MAX_CAPTION, MAX_REQUEST_BYTES, MAX_TEXT } from './limits.js'

export const twilio = defineChannel({
  contract: 1,
  name: 'twilio',
  title: 'Twilio',
  version: '1.0.0',
  config: configSchema,
  options: optionsSchema,
  secrets: ['authToken'],
  capabilities: {
    // No buttons: SMS has none, and WhatsApp's need templates that Meta has approved. So choices become numbered text.
    content: ['text', 'image', 'audio', 'video', 'file', 'location', 'template'],
    maxTextLength: MAX_TEXT,
    // A pressed button of a template names its message.
    messageIds: true,
    maxCaptionLength: MAX_CAPTION,
    // A person on WhatsApp may hide the number, and then writes from an id.
    renames: ['sender'],
    // Twilio limits the rate of numbers itself (one segment a second for a long code) and queues for hours. This only
    // keeps a bot in a loop from filling that queue; a lower rate would slow down WhatsApp.
    rate: { perEndpoint: { perSecond: 10, burst: 10 } },
    // https://www.twilio.com/docs/api/errors/63016
    window: {
      ...{ hours: 24, allows: 'templates that WhatsApp has approved' },
      appliesTo: isWhatsApp,
    },
  },
  inbound: { headers: ['x-twilio-signature'], maxBytes: MAX_REQUEST_BYTES },
  setup: async (webhookUrl) => (await import('./setup.js')).setup(webhookUrl),
  // The SDK and the Markdown parser come with the runtime: 150 ms that only servers spend that use the channel.
  load: async (host) => (await import('./runtime.js')).runtime(host),
})

/** What the server imports. @alias */
export default twilio
