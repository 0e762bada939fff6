import type { ChannelHost, ChannelRuntime } from '@plugboard/core'
import { graphApi } from '@plugboard/graph-api'
import { fileStores, openFile } from '@plugboard/graph-api/messaging'
import { asApp, asPage, connect, type Session } from './api.js'
import type { Config, Options } from './config.js'
import { deliver, indicateTyping, markRead } from './deliver.js'
import { classify } from './failure.js'
import { parse, route } from './inbound.js'
import { render } from './outbound.js'
import { describePerson } from './person.js'
import { check, provision, unprovision } from './setup.js'
import { verify } from './verify.js'

/** The working half of the channel. */
export function runtime({ options, logger, fetch }: ChannelHost<Options>): ChannelRuntime<Config, Session> {
  const graph = graphApi({ url: options.apiBaseUrl, fetch, provider: 'Messenger' })
  const page = asPage(graph, options)
  const apis = { page, app: asApp(graph), options }
  const isFile = fileStores(options.apiBaseUrl)
  return {
    connect,
    verify,
    parse: parse(isFile),
    route: route(options),
    render,
    deliver: deliver(page, fetch, logger),
    classify,
    check: check(apis),
    provision: provision(apis),
    unprovision: unprovision(apis),
    openMedia: openFile('Messenger', isFile, fetch),
    indicateTyping: indicateTyping(page),
    markRead: markRead(page),
    describePerson: describePerson(page),
  }
}
