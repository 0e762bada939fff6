import type { ChannelHost, ChannelRuntime } from '@plugboard/core'
import { connect, type Session } from './api.js'
import { edit, remove } from './changes.js'
import type { Config, Options } from './config.js'
import { deliver, indicateTyping } from './deliver.js'
import { classify } from './failure.js'
import { parse } from './inbound.js'
import { listen } from './listen.js'
import { openMedia } from './media.js'
import { render } from './outbound.js'
import { check, provision, unprovision } from './setup.js'
import { verify } from './verify.js'

/** The working half of the channel; importing this file loads the SDK and the Markdown parser. */
export const runtime = ({
  options,
  fetch,
  logger,
}: ChannelHost<Options>): ChannelRuntime<Config, Session> => ({
  connect: connect(options),
  verify,
  parse,
  render,
  deliver: deliver(fetch),
  edit,
  remove,
  classify,
  check,
  provision,
  unprovision,
  listen: listen(logger),
  openMedia: openMedia(fetch),
  indicateTyping,
})
