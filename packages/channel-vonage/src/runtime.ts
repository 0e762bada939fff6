import type { ChannelHost, ChannelRuntime } from '@plugboard/core'
import { connect, type Session } from './api.js'
import type { Config, Options } from './config.js'
import { deliver, indicateTyping } from './deliver.js'
import { classify } from './failure.js'
import { parse } from './inbound.js'
import { openMedia } from './media.js'
import { render } from './outbound.js'
import { check } from './provisioning.js'
import { markRead } from './reading.js'
import { secondForm } from './second-form.js'
import { verify } from './verify.js'

/** The working half of the channel; importing this file loads the Markdown parser and the library of tokens. */
export const runtime = ({ options, fetch }: ChannelHost<Options>): ChannelRuntime<Config, Session> => ({
  connect,
  verify,
  parse,
  render,
  deliver: deliver(options, fetch),
  secondForm,
  classify,
  check: check(options, fetch),
  openMedia: openMedia(options, fetch),
  indicateTyping: indicateTyping(options, fetch),
  markRead: markRead(options, fetch),
})
