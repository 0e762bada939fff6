/**
 * The generic channel: connects anything that can send and receive signed webhooks. It is also the example to copy for
 * a channel of your own; see README.md.
 * @packageDocumentation
 */
import { defineChannel } from '@plugboard/core'
import { configSchema, connect } from './config.js'
import { deliver } from './deliver.js'
import { classify } from './failure.js'
import { parse } from './inbound.js'
import { render } from './outbound.js'
import { verify } from './verify.js'

export const webhook = defineChannel({
  contract: 1,
  name: 'webhook',
  version: '1.0.0',
  config: configSchema,
  secrets: ['secret', 'previousSecret'],
  targets: ['url'],
  // The receiver decides what it shows, so content is not degraded and has no limits. It sets the pace with 429 and
  // Retry-After.
  capabilities: { content: 'any', maxTextLength: Number.MAX_SAFE_INTEGER },
  inbound: { headers: ['webhook-id', 'webhook-timestamp', 'webhook-signature'] },
  // A channel with an SDK imports it here: `const { Telegram } = await import('telegraf')`.
  load: async ({ fetch }) => ({ connect, verify, parse, render, deliver: deliver(fetch), classify }),
})

/** What the server imports. @alias */
export default webhook
