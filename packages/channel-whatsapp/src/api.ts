import type { CallContext } from '@plugboard/core'
import type { Graph, GraphCall } from '@plugboard/graph-api'
import type { Config, Options } from './config.js'

/** Not needed: all integrations share one client, and each call has its token. */
export type Session = undefined

export const connect = (_config: Config): Session => undefined

export type Context = CallContext<Config, Session>

/** A call with the token of an integration. */
export type Call = (
  call: Omit<GraphCall, 'token' | 'appSecret' | 'signal'>,
  context: Context,
) => Promise<unknown>

/** Calls the API for integrations. Those without a secret belong to the operator's app. */
export const callOf =
  (graph: Graph, options: Options): Call =>
  (call, { integration: { config }, signal }) =>
    graph({ ...call, token: config.accessToken, appSecret: config.appSecret ?? options.appSecret, signal })
