import type { ChannelHost, ChannelRuntime } from '@plugboard/core'
import { connect, HttpClient, type Session } from './api.js'
import type { Config, Options } from './config.js'
import { deliver, secondForm } from './deliver.js'
import { classify } from './failure.js'
import { parse } from './inbound.js'
import { openMedia } from './media.js'
import { render } from './outbound.js'
import { check } from './setup.js'
import { verify } from './verify.js'

/** The working half of the channel; importing this file loads the SDK. */
export function runtime({ options, fetch }: ChannelHost<Options>): ChannelRuntime<Config, Session> {
  const http = new HttpClient(options.apiBaseUrl)
  // The SDK loads what sends messages when it is first asked for, and the first message would wait for it.
  void connect(http)({ accountSID: 'AC0', authToken: 'none' })?.messages
  return {
    connect: connect(http),
    verify,
    parse: parse(options.apiBaseUrl),
    render,
    deliver: deliver(http),
    secondForm,
    classify,
    check: check(http),
    openMedia: openMedia(options.apiBaseUrl, fetch),
  }
}
