/**
 * The channel of the chat on web pages. It has no provider: the server takes in what visitors write, and they read the
 * log. What a site configures is here; see README.md.
 * @packageDocumentation
 */
import { defineChannel } from '@plugboard/core'
import { type Config, configSchema, type LocalizedText, textIn } from './config.js'

export { type Config, configSchema, type LocalizedText, textIn }

export const web = defineChannel({
  contract: 1,
  name: 'web',
  title: 'Web chat',
  version: '1.0.0',
  config: configSchema,
  secrets: ['jwtSecret', 'previousJwtSecret'],
  modes: { direct: [] },
  // The chat shows every type of content, and a text for those that it does not know.
  capabilities: { content: 'any', maxTextLength: Number.MAX_SAFE_INTEGER },
  setup: async (webhookUrl) => (await import('./setup.js')).setup(webhookUrl),
  load: async () => (await import('./runtime.js')).runtime,
})

/** What the server imports. @alias */
export default web
