/**
 * Facebook Messenger, through Meta's Graph API. README.md has the setup and what is supported.
 * @packageDocumentation
 */
import { defineChannel } from '@plugboard/core'
import { MAX_NOTIFICATION_VALUES } from '@plugboard/graph-api/fields'
import { account, configSchema, optionsSchema } from './config.js'
import { CALLS_PER_SECOND, MAX_TEXT } from './limits.js'

export const messenger = defineChannel({
  contract: 1,
  name: 'messenger',
  title: 'Messenger',
  version: '1.0.0',
  config: configSchema,
  options: optionsSchema,
  secrets: ['appSecret', 'verifyToken', 'accessToken'],
  account,
  capabilities: {
    content: [
      'text',
      'image',
      'audio',
      'voice',
      'video',
      'file',
      'card',
      'carousel',
      'single-choice',
      'template',
    ],
    maxTextLength: MAX_TEXT,
    // Quick replies. A card with more than three buttons continues in further messages.
    buttons: { max: 13, maxLabel: 20 },
    // Reactions name the message of the bot.
    messageIds: true,
    rate: { perIntegration: { perSecond: CALLS_PER_SECOND, burst: CALLS_PER_SECOND } },
    // https://developers.facebook.com/docs/messenger-platform/policy/policy-overview
    window: { hours: 24, allows: 'utility templates that Meta has approved' },
  },
  inbound: { maxJsonValues: MAX_NOTIFICATION_VALUES, isShared: true },
  // The API and the Markdown parser come with the runtime, so only a server that uses the channel pays for them.
  load: async (host) => (await import('./runtime.js')).runtime(host),
})

/** What the server imports. @alias */
export default messenger
