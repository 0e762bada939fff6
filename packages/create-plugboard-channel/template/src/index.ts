/**
 * Acme Chat as a channel of Plugboard.
 * @packageDocumentation
 */
import { defineChannel } from '@plugboard/core'
import { apiOf, connect } from './api.js'
import { type Config, configSchema, optionsSchema } from './config.js'
import { deliver } from './deliver.js'
import { classify } from './failure.js'
import { parse } from './inbound.js'
import { openMedia } from './media.js'
import { render } from './outbound.js'
import { check, setup } from './setup.js'
import { verify } from './verify.js'

const channel = defineChannel({
  contract: 1,
  name: 'acme-chat',
  version: '1.0.0',
  config: configSchema,
  options: optionsSchema,
  secrets: ['apiToken', 'signingSecret'],
  // Other types reach `render` as a text, or as a text with numbered answers.
  capabilities: {
    content: ['text', 'image', 'single-choice'],
    maxTextLength: 4000,
    maxCaptionLength: 1000,
    buttons: { max: 3, maxLabel: 20 },
    // Per endpoint: three messages at once after a silence, then one a second.
    rate: { perIntegration: { perSecond: 30, burst: 10 }, perEndpoint: { perSecond: 1, burst: 3 } },
    // If the provider has them: `messageIds` (events refer to messages of the bot), `renames` (addresses change), `window`
    // (replies are allowed for some hours), `batch` (several parts in one call), `context` (events carry what replies need).
  },
  // Add `modes` if the channel can listen (long polling, a socket), beside its webhook or instead of it.
  // The host rejects requests without these headers before it reads the body.
  inbound: { headers: ['x-acme-chat-timestamp', 'x-acme-chat-signature'] },
  // Add `isShared: true` to `inbound`, and `route` below, if the provider calls one URL for all accounts of an app.
  // A bot has one webhook, so only one client can use it.
  account: ({ botId }: Config) => botId,
  setup,
  // Import an SDK here, so that it is only loaded when the first client enables the channel.
  load: async ({ options: { apiUrl }, fetch }) => {
    const api = apiOf(apiUrl, fetch)
    return {
      connect,
      verify,
      parse,
      render,
      deliver: deliver(api),
      check: check(api),
      openMedia: openMedia(apiUrl, fetch),
      classify,
      // If the provider supports them: `provision` and `unprovision` (registers the webhook), `listen`, `edit` and `remove`
      // (of sent messages), `deliverBatch`, `secondForm`, `indicateTyping`, `markRead`, `route`, `refresh` (of a token).
    }
  },
})

/** The server imports the default export. */
export default channel
