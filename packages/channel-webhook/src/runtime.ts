import type { ChannelHost, ChannelRuntime } from '@plugboard/core'
import { connect, type Session } from './api.js'
import type { Config } from './config.js'
import { deliver, edit, remove } from './deliver.js'
import { classify } from './failure.js'
import { parse } from './inbound.js'
import { render } from './outbound.js'
import { verify } from './verify.js'

/** The working half of the channel. A channel with an SDK imports it in the files that this one imports. */
export const runtime = ({ fetch }: ChannelHost<undefined>): ChannelRuntime<Config, Session> => ({
  connect,
  verify,
  parse,
  render,
  deliver: deliver(fetch),
  edit: edit(fetch),
  remove: remove(fetch),
  classify,
  // Opt-in, because a receiver may take everything for a new message.
  canChange: ({ changes }) => changes === true,
})
