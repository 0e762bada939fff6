/**
 * Slack: events, buttons, menus and slash commands in; messages with blocks out.
 * @packageDocumentation
 */
import { defineChannel } from '@plugboard/core'
import { account, configSchema, optionsSchema } from './config.js'
import { MAX_ALT, MAX_BUTTONS, MAX_JSON_VALUES, MAX_LABEL, MAX_SECTION } from './limits.js'

export const slack = defineChannel({
  contract: 1,
  name: 'slack',
  title: 'Slack',
  version: '1.0.0',
  config: configSchema,
  options: optionsSchema,
  secrets: ['signingSecret', 'botToken', 'appToken'],
  modes: { webhook: [['signingSecret', 'teamId']], listen: ['appToken'] },
  account,
  capabilities: {
    content: [
      'text',
      'image',
      'audio',
      'voice',
      'video',
      'file',
      'location',
      'card',
      'carousel',
      'single-choice',
      'dropdown',
    ],
    maxTextLength: MAX_SECTION,
    maxCaptionLength: MAX_ALT,
    buttons: { max: MAX_BUTTONS, maxLabel: MAX_LABEL },
    // One message a second in each channel, with short bursts above it; the limit of a workspace has no number.
    // https://docs.slack.dev/apis/web-api/rate-limits#posting-messages
    rate: { perEndpoint: { perSecond: 1, burst: 3 } },
  },
  inbound: { maxJsonValues: MAX_JSON_VALUES, isShared: true },
  setup: async (...where) => (await import('./setup.js')).setup(...where),
  // The SDK and the Markdown parser come with the runtime, so only a server that uses the channel pays for them.
  load: async (host) => (await import('./runtime.js')).runtime(host),
})

/** What the server imports. @alias */
export default slack
