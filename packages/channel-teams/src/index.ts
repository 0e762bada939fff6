/**
 * Microsoft Teams: messages, cards and reactions through the Bot Connector. README.md has the setup and what is supported.
 * @packageDocumentation
 */
import { contentTypes, defineChannel } from '@plugboard/core'
import { account, configSchema, optionsSchema } from './config.js'
import { MAX_BUTTONS, MAX_CAPTION, MAX_LABEL, MAX_TEXT } from './limits.js'

export const teams = defineChannel({
  contract: 1,
  name: 'teams',
  title: 'Microsoft Teams',
  version: '1.0.0',
  config: configSchema,
  options: optionsSchema,
  secrets: ['appPassword'],
  account,
  capabilities: {
    content: contentTypes.filter((type) => type !== 'template'),
    maxTextLength: MAX_TEXT,
    maxCaptionLength: MAX_CAPTION,
    buttons: { max: MAX_BUTTONS, maxLabel: MAX_LABEL },
    // The chat with a person who has not written gets its id with the first message.
    renames: ['thread'],
    // Where a conversation is, and in which tenant.
    context: true,
    // In each conversation 7 messages in one second, 8 in two and 60 in thirty; 30 a second in each tenant of an app.
    // https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
    rate: { perEndpoint: { perSecond: 1.8, burst: 4 }, perIntegration: { perSecond: 20, burst: 10 } },
  },
  inbound: { headers: ['authorization'] },
  setup: async (webhookUrl) => (await import('./setup.js')).setup(webhookUrl),
  // jose, zod's larger schemas and the Markdown parser come with the runtime, so only a server that uses the channel pays.
  load: async (host) => (await import('./runtime.js')).runtime(host),
})

/** What the server imports. @alias */
export default teams
