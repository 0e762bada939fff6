import type { CallContext } from '@plugboard/core'
import { type Graph, type GraphCall, GraphError } from '@plugboard/graph-api'
import type { Config } from './config.js'
import { tokenOf } from './token.js'

/** Not needed: each call has the token of the configuration, or the one that was renewed. */
export type Session = undefined

export const connect = (_config: Config): Session => undefined

export type Context = CallContext<Config, Session>

/** Meta's code for a token that is not valid: nothing was done. */
const DEAD_TOKEN = 190

/**
 * A call as the account. If Instagram refuses the token, it is made once more with the newest one, which another process
 * may have renewed. @throws GraphError, FailureError
 */
export const asAccount =
  (graph: Graph) =>
  async (call: Omit<GraphCall, 'token' | 'appSecret' | 'signal'>, context: Context): Promise<unknown> => {
    const { signal } = context
    const token = await tokenOf(context)
    try {
      return await graph({ ...call, token, signal })
    } catch (error) {
      if (!(error instanceof GraphError) || error.details.code !== DEAD_TOKEN) throw error
      const newest = await tokenOf(context, { isFresh: true })
      if (newest === token) throw error
      return graph({ ...call, token: newest, signal })
    }
  }
