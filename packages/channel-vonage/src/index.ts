/**
 * WhatsApp, SMS, MMS, Messenger, Viber and RCS through Vonage's Messages API. README.md has the setup and what is supported.
 * @packageDocumentation
 */
import { defineChannel } from '@plugboard/core'
import { configSchema, optionsSchema } from './config.js'
import { isWhatsApp } from './endpoint.js'
import { capabilitiesAt, MAX_REQUEST_BYTES, whatsApp } from './limits.js'

export const vonage = defineChannel({
  contract: 1,
  name: 'vonage',
  title: 'Vonage',
  version: '1.0.0',
  config: configSchema,
  options: optionsSchema,
  secrets: ['apiSecret', 'signatureSecret', 'privateKey'],
  capabilities: {
    ...whatsApp,
    at: capabilitiesAt,
    // A pressed button, a reply and a reaction name their message.
    messageIds: true,
    // A person on WhatsApp may hide the number, and then writes from an id.
    renames: ['sender'],
    // A read mark and a typing indicator name the message of the person that they follow.
    context: true,
    window: {
      ...{ hours: 24, allows: 'templates that WhatsApp has approved' },
      appliesTo: isWhatsApp,
    },
  },
  inbound: { headers: ['authorization'], maxBytes: MAX_REQUEST_BYTES },
  // An application has one webhook URL. Without one, an account may have several, each with its own numbers.
  account: ({ applicationId }) => applicationId,
  setup: async (webhookUrl) => (await import('./setup.js')).setup(webhookUrl),
  load: async (host) => (await import('./runtime.js')).runtime(host),
})

/** What the server imports. @alias */
export default vonage
