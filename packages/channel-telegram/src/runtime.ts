import type { ChannelHost, ChannelRuntime } from '@plugboard/core'
import { Telegram } from 'telegraf'
import { connector, type Session } from './api.js'
import { classify } from './classify.js'
import type { Config, Options } from './config.js'
import { deliver } from './deliver.js'
import { parse, verify } from './inbound.js'
import { openMedia } from './media.js'
import { render } from './render.js'
import { check, indicateTyping, provision, unprovision } from './setup.js'

/** The working half; its module brings the SDK and the Markdown parser, so it is imported when a bot needs it. */
export const runtime = ({ options, fetch }: ChannelHost<Options>): ChannelRuntime<Config, Session> => ({
  connect: connector(Telegram, options),
  verify,
  parse,
  render,
  deliver: deliver(fetch),
  classify,
  check,
  provision,
  unprovision,
  openMedia,
  indicateTyping,
})
