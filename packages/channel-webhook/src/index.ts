/**
 * The generic channel: connects anything that can send and receive signed webhooks. It is also the example to copy for
 * a channel of your own; see README.md.
 * @packageDocumentation
 */
import { defineChannel } from '@plugboard/core'
import { configSchema } from './config.js'

export const webhook = defineChannel({
  contract: 1,
  name: 'webhook',
  title: 'Webhook',
  version: '1.0.0',
  config: configSchema,
  secrets: ['secret', 'previousSecret'],
  targets: ['url'],
  // The receiver decides what it shows, so content is not degraded and has no limits. It sets the pace with 429 and
  // Retry-After.
  capabilities: { content: 'any', maxTextLength: Number.MAX_SAFE_INTEGER },
  inbound: { headers: ['webhook-id', 'webhook-timestamp', 'webhook-signature'] },
  // The library of signatures comes with the runtime, so only a server that uses the channel pays for it.
  load: async (host) => (await import('./runtime.js')).runtime(host),
})

/** What the server imports. @alias */
export default webhook
