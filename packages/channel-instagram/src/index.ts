/**
 * Direct messages on Instagram, through the Instagram API with Instagram Login. README.md has the setup and what is
 * supported.
 * @packageDocumentation
 */
import { defineChannel } from '@plugboard/core'
import { MAX_NOTIFICATION_VALUES } from '@plugboard/graph-api/fields'
import { account, configSchema, optionsSchema } from './config.js'
import { CALLS_PER_SECOND, MAX_TEXT_BYTES } from './limits.js'

export const instagram = defineChannel({
  contract: 1,
  name: 'instagram',
  title: 'Instagram',
  version: '1.0.0',
  config: configSchema,
  options: optionsSchema,
  secrets: ['appSecret', 'verifyToken', 'accessToken'],
  account,
  capabilities: {
    content: ['text', 'image', 'audio', 'voice', 'video', 'card', 'carousel', 'single-choice'],
    // The limit is in bytes: a text with other characters than ASCII is cut once more.
    maxTextLength: MAX_TEXT_BYTES,
    // Quick replies. A card with more than three buttons continues in further messages.
    buttons: { max: 13, maxLabel: 20 },
    // Reactions name the message of the account.
    messageIds: true,
    rate: { perIntegration: { perSecond: CALLS_PER_SECOND, burst: CALLS_PER_SECOND } },
    // https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/messaging-api
    window: { hours: 24, allows: 'what a person writes in the Instagram app' },
  },
  inbound: { maxJsonValues: MAX_NOTIFICATION_VALUES, isShared: true },
  setup: async (...where) => (await import('./setup.js')).setup(...where),
  // The API and the Markdown parser come with the runtime, so only a server that uses the channel pays for them.
  load: async (host) => (await import('./runtime.js')).runtime(host),
})

/** What the server imports. @alias */
export default instagram
