/**
 * Discord: messages, reactions, buttons, menus and commands in; messages with embeds, buttons and files out. README.md has
 * the setup and what is supported.
 * @packageDocumentation
 */
import { contentTypes, defineChannel } from '@plugboard/core'
import { account, configSchema, optionsSchema } from './config.js'
import { MAX_BUTTONS, MAX_LABEL, MAX_TEXT } from './limits.js'

export const discord = defineChannel({
  contract: 1,
  name: 'discord',
  title: 'Discord',
  version: '1.0.0',
  config: configSchema,
  options: optionsSchema,
  secrets: ['botToken'],
  modes: { webhook: ['publicKey'], listen: [] },
  account,
  capabilities: {
    content: contentTypes.filter((type) => type !== 'template'),
    maxTextLength: MAX_TEXT,
    buttons: { max: MAX_BUTTONS, maxLabel: MAX_LABEL },
    // Fifty calls a second; a reply to a command takes two. A channel has limits that only the answers of Discord tell.
    // https://docs.discord.com/developers/topics/rate-limits
    rate: { perIntegration: { perSecond: 25, burst: 10 } },
    // The direct messages of a person who has not written get their channel with the first message.
    renames: ['thread'],
    // A command is answered with its token.
    context: true,
  },
  inbound: { headers: ['x-signature-ed25519', 'x-signature-timestamp'] },
  setup: async (webhookUrl, mode) => (await import('./setup.js')).setup(webhookUrl, mode),
  load: async (host) => (await import('./runtime.js')).runtime(host),
})

/** What the server imports. @alias */
export default discord
