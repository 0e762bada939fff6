import type { ChannelHost, ChannelRuntime } from '@plugboard/core'
import { graphApi } from '@plugboard/graph-api'
import { callOf, connect, type Session } from './api.js'
import type { Config, Options } from './config.js'
import { deliver } from './deliver.js'
import { classify } from './failure.js'
import { parse } from './inbound.js'
import { openMedia } from './media.js'
import { render } from './outbound.js'
import { check, provision, unprovision } from './provisioning.js'
import { readMark } from './read-mark.js'
import { route } from './route.js'
import { secondForm } from './second-form.js'
import { verify } from './verify.js'

/** The working half of the channel; importing this file loads the Markdown parser. */
export function runtime({ options, fetch }: ChannelHost<Options>): ChannelRuntime<Config, Session> {
  const call = callOf(graphApi({ url: options.graphUrl, fetch, provider: 'WhatsApp' }), options)
  return {
    connect,
    verify,
    parse,
    route: route(options),
    render,
    deliver: deliver(call, fetch),
    secondForm,
    classify,
    check: check(call, options),
    provision: provision(call),
    unprovision: unprovision(call),
    openMedia: openMedia(call, options, fetch),
    indicateTyping: readMark(call, { typing: true }),
    markRead: readMark(call),
  }
}
