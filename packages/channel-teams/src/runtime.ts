import type { ChannelHost, ChannelRuntime } from '@plugboard/core'
import { connect, type Session, teamsApi } from './api.js'
import { edit, remove } from './changes.js'
import type { Config, Options } from './config.js'
import { deliver, indicateTyping } from './deliver.js'
import { classify } from './failure.js'
import { parse } from './inbound.js'
import { openMedia } from './media.js'
import { render } from './outbound.js'
import { SigningKeys } from './signing-keys.js'
import { verify } from './verify.js'

/** The working half of the channel. */
export function runtime({ options, fetch }: ChannelHost<Options>): ChannelRuntime<Config, Session> {
  const api = teamsApi(options, fetch)
  return {
    connect,
    verify: verify(new SigningKeys(options.openIdUrl, fetch), options),
    parse,
    render,
    deliver: deliver(api),
    edit: edit(api),
    remove: remove(api),
    classify,
    check: api.check,
    openMedia: openMedia(api, fetch),
    indicateTyping: indicateTyping(api),
  }
}
