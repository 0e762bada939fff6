/**
 * Sunshine Conversations of Zendesk, formerly Smooch. README.md has the setup and what is supported.
 * @packageDocumentation
 */
import { defineChannel } from '@plugboard/core'
import { configSchema, optionsSchema } from './config.js'
import { MAX_ACTIONS, MAX_LABEL, MAX_TEXT } from './limits.js'

export const smooch = defineChannel({
  contract: 1,
  name: 'smooch',
  title: 'Sunshine Conversations',
  version: '1.0.0',
  config: configSchema,
  options: optionsSchema,
  secrets: ['keySecret', 'webhookSecret'],
  capabilities: {
    // Sound and films are files.
    content: ['text', 'image', 'file', 'location', 'card', 'carousel', 'single-choice', 'template'],
    maxTextLength: MAX_TEXT,
    buttons: { max: MAX_ACTIONS, maxLabel: MAX_LABEL },
    // Receipts and quotations name a message by its id.
    messageIds: true,
    // Users and conversations are merged when a person is recognized.
    renames: ['sender', 'thread'],
  },
  inbound: { headers: ['x-api-key'] },
  // Each webhook of an app gets every event.
  account: ({ appId }) => appId,
  setup: async (webhookUrl) => (await import('./setup.js')).setup(webhookUrl),
  load: async (host) => (await import('./runtime.js')).runtime(host),
})

/** What the server imports. @alias */
export default smooch
