import { type CallContext, FailureError } from '@plugboard/core'
import type { Graph, GraphCall } from '@plugboard/graph-api'
import type { Config, Options } from './config.js'

/** Not needed: each call has the token of the configuration. */
export type Session = undefined

export const connect = (_config: Config): Session => undefined

export type Context = CallContext<Config, Session>

type OwnCall = Omit<GraphCall, 'token' | 'appSecret' | 'signal'>

/** Makes a call for an integration. @throws GraphError, FailureError */
export type Call = (call: OwnCall, context: Context) => Promise<unknown>

/** Calls as the page, with a proof that they come from its app: its own one, or that of the operator. */
export const asPage =
  (graph: Graph, options: Pick<Options, 'appSecret'>): Call =>
  (call, { integration, signal }) => {
    const { accessToken: token, appSecret = options.appSecret } = integration.config
    return graph({ ...call, token, appSecret, signal })
  }

/** Calls as the own app: https://developers.facebook.com/docs/facebook-login/guides/access-tokens#apptokens */
export const asApp =
  (graph: Graph): Call =>
  async (call, { integration, signal }) => {
    const { appId, appSecret } = integration.config
    if (appId === undefined || appSecret === undefined) throw noApp()
    return graph({ ...call, token: `${appId}|${appSecret}`, signal })
  }

/** For a configuration without an app, where the operator has none. */
export const noApp = (): FailureError =>
  new FailureError({
    ...{ kind: 'auth', field: 'appSecret' },
    message:
      'it is required, with appId and verifyToken, because the operator of this server has configured no app',
  })
