/**
 * The Telegram channel: bots of the Bot API, by webhook or by long polling. README.md has the setup and what is supported.
 * @packageDocumentation
 */
import { contentTypes, defineChannel } from '@plugboard/core'
import { account, configSchema, optionsSchema } from './config.js'
import { MAX_BUTTONS, MAX_CAPTION, MAX_LABEL, MAX_TEXT } from './limits.js'

export const telegram = defineChannel({
  contract: 1,
  name: 'telegram',
  title: 'Telegram',
  version: '1.0.0',
  config: configSchema,
  options: optionsSchema,
  secrets: ['botToken'],
  // https://core.telegram.org/bots/api and https://core.telegram.org/bots/faq#broadcasting-to-users
  capabilities: {
    content: contentTypes.filter((type) => type !== 'template'),
    maxTextLength: MAX_TEXT,
    maxCaptionLength: MAX_CAPTION,
    buttons: { max: MAX_BUTTONS, maxLabel: MAX_LABEL },
    // A group gets another id when it becomes a supergroup.
    renames: ['thread'],
    // One message a second in each chat, with short bursts above it, and about 30 in all.
    rate: { perIntegration: { perSecond: 30, burst: 3 }, perEndpoint: { perSecond: 1, burst: 3 } },
  },
  modes: { webhook: [], listen: [] },
  inbound: { headers: ['x-telegram-bot-api-secret-token'] },
  account,
  load: async (host) => (await import('./runtime.js')).runtime(host),
})

/** What the server imports. @alias */
export default telegram
