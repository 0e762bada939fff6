import type { ChannelHost, ChannelRuntime } from '@plugboard/core'
import { connect, type Session, sharedClient } from './api.js'
import { edit, remove } from './changes.js'
import type { Config, Options } from './config.js'
import { deliver } from './deliver.js'
import { classify } from './failure.js'
import { parse } from './inbound.js'
import { listen } from './listen.js'
import { openMedia } from './media.js'
import { render } from './outbound.js'
import { check } from './provisioning.js'
import { route } from './route.js'
import { verify } from './verify.js'

/** The working half of the channel; importing this file loads the SDK. */
export function runtime({ options, logger, fetch }: ChannelHost<Options>): ChannelRuntime<Config, Session> {
  const call = sharedClient(options)
  return {
    connect,
    verify: (request, { config }) => verify(request, config.signingSecret),
    parse: (request, { config }) => parse(request, config),
    route: route(options),
    render,
    deliver: deliver(call, logger),
    edit: edit(call),
    remove: remove(call),
    classify,
    check: check(call, options),
    listen: listen(call, options, logger),
    openMedia: openMedia(call, options, fetch),
  }
}
