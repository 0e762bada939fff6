import type { ChannelHost, ChannelRuntime } from '@plugboard/core'
import { api, connect, type Session } from './api.js'
import type { Config, Options } from './config.js'
import { deliver, indicateTyping, markRead, remove } from './deliver.js'
import { classify } from './failure.js'
import { parse } from './inbound.js'
import { openMedia } from './media.js'
import { render } from './outbound.js'
import { check } from './provisioning.js'
import { verify } from './verify.js'

/** The working half of the channel; importing this file loads the Markdown parser. */
export function runtime({ options, fetch }: ChannelHost<Options>): ChannelRuntime<Config, Session> {
  const call = api(options, fetch)
  return {
    connect,
    verify,
    parse: parse(options),
    render,
    deliver: deliver(call),
    remove: remove(call),
    classify,
    check: check(call),
    openMedia: openMedia(options, fetch),
    indicateTyping: indicateTyping(call),
    markRead: markRead(call),
  }
}
