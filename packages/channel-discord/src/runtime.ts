import type { ChannelHost, ChannelRuntime } from '@plugboard/core'
import { caller, connect, type Session } from './api.js'
import { edit, remove } from './changes.js'
import type { Config, Options } from './config.js'
import { deliver, indicateTyping } from './deliver.js'
import { classify } from './failure.js'
import { parse } from './inbound.js'
import { InvalidRequests } from './invalid-requests.js'
import { listen } from './listen.js'
import { openMedia } from './media.js'
import { render } from './outbound.js'
import { check, provision, unprovision } from './provisioning.js'
import { Uploads } from './upload.js'
import { verify } from './verify.js'

/** The working half of the channel; importing this file loads the Markdown parser. */
export function runtime({ options, logger, fetch }: ChannelHost<Options>): ChannelRuntime<Config, Session> {
  const invalidRequests = new InvalidRequests(options.maxInvalidRequests)
  const call = caller({ options, logger, fetch, invalidRequests })
  const uploads = new Uploads(fetch)
  return {
    connect: connect(options),
    verify,
    parse,
    render,
    deliver: deliver(call, uploads),
    edit: edit(call, uploads),
    remove: remove(call),
    classify,
    check: async (context) => {
      await check(call)(context)
    },
    provision: provision(call),
    unprovision: unprovision(call),
    listen: listen(call, options, logger),
    openMedia: openMedia(call, options, fetch),
    indicateTyping: indicateTyping(call),
  }
}
