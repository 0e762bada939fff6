import type { ChannelHost, ChannelRuntime } from '@plugboard/core'
import { graphApi } from '@plugboard/graph-api'
import { fileStores, openFile } from '@plugboard/graph-api/messaging'
import { connect, type Session } from './api.js'
import type { Config, Options } from './config.js'
import { deliver, indicateTyping, markRead } from './deliver.js'
import { classify } from './failure.js'
import { parse, route } from './inbound.js'
import { render } from './outbound.js'
import { describePerson } from './person.js'
import { check, provision, unprovision } from './provisioning.js'
import { refresh } from './token.js'
import { verify } from './verify.js'

/** The working half of the channel. */
export function runtime({ options, logger, fetch }: ChannelHost<Options>): ChannelRuntime<Config, Session> {
  const graph = graphApi({ url: options.apiBaseUrl, fetch, provider: 'Instagram' })
  const isFile = fileStores(options.apiBaseUrl)
  return {
    connect,
    verify,
    parse: parse(isFile),
    route: route(options),
    render,
    deliver: deliver(graph, logger),
    classify,
    check: check(graph, options),
    provision: provision(graph),
    unprovision: unprovision(graph),
    refresh: refresh(graph),
    openMedia: openFile('Instagram', isFile, fetch),
    indicateTyping: indicateTyping(graph),
    markRead: markRead(graph),
    describePerson: describePerson(graph),
  }
}
