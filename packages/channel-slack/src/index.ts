/**
 * Slack: events, buttons, menus and slash commands in; messages with blocks out.
 * @packageDocumentation
 */
import { defineChannel } from '@plugboard/core'
import { MAX_ALT, MAX_BUTTONS, MAX_LABEL, MAX_SECTION } from './blocks.js'
import { sharedClient } from './client.js'
import { configSchema, connect, optionsSchema } from './config.js'
import { check, deliver } from './deliver.js'
import { classify } from './failures.js'
import { parse } from './inbound.js'
import { openMedia } from './media.js'
import { render } from './render.js'
import { setup } from './setup.js'
import { verify } from './verify.js'

export const slack = defineChannel({
  contract: 1,
  name: 'slack',
  version: '1.0.0',
  config: configSchema,
  options: optionsSchema,
  secrets: ['signingSecret', 'botToken'],
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
    // https://docs.slack.dev/apis/web-api/rate-limits#posting-messages
    rate: { perEndpoint: 1 },
  },
  inbound: { headers: ['x-slack-signature', 'x-slack-request-timestamp'] },
  setup,
  // Of Bolt only what verifies, and the client that it depends on: README.md has the figures.
  load: async ({ options, fetch }) => {
    const [{ verifySlackRequest }, { WebClient }, { parseMarkdown }] = await Promise.all([
      import('@slack/bolt/dist/receivers/verify-request.js'),
      import('@slack/web-api'),
      import('@plugboard/markdown'),
    ])
    const call = sharedClient(WebClient, options)
    return {
      connect,
      verify: verify(verifySlackRequest),
      parse,
      render: render(parseMarkdown),
      deliver: deliver(call),
      classify,
      check: check(call),
      openMedia: openMedia(call, options, fetch),
    }
  },
})

/** What the server imports. @alias */
export default slack
