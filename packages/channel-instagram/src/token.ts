import type { CallContext } from '@plugboard/core'
import type { Graph } from '@plugboard/graph-api'
import { z } from 'zod'
import type { Config } from './config.js'
import { classify } from './failure.js'

type Context = Pick<CallContext<Config, unknown>, 'integration' | 'state' | 'signal'>

const stateSchema = z.object({ token: z.string().min(1) })

/** The token that is valid now: the newest one that was renewed, or that of the configuration. */
export async function tokenOf({ integration, state }: Context, how?: { isFresh: boolean }): Promise<string> {
  return stateSchema.safeParse((await state.read(how))?.value).data?.token ?? integration.config.accessToken
}

const renewedSchema = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,2048}$/),
  /** In seconds. */
  expires_in: z.number().positive(),
})

const HOUR_MS = 3_600_000
/** A token can be renewed when it is 24 hours old. */
const YOUNG_MS = 25 * HOUR_MS
/** Longest time between two renewals. Tokens are valid for 60 days, so many attempts are left. */
const MAX_WAIT_MS = 30 * 24 * HOUR_MS

/**
 * Renews the token, which is valid for 60 days, when half of its time is over. A token that is too young for it is renewed
 * a day later.
 * https://developers.facebook.com/docs/instagram-platform/reference/refresh_access_token
 */
export const refresh =
  (graph: Graph) =>
  async (context: Context): Promise<{ again: Date }> => {
    const known = await context.state.read({ isFresh: true })
    const token = await tokenOf(context, { isFresh: true })
    try {
      const { access_token, expires_in } = await renew(graph, token, context.signal)
      await context.state.write({ token: access_token }, known?.version)
      return in_(Math.min((expires_in * 1000) / 2, MAX_WAIT_MS))
    } catch (error) {
      if (classify(error).kind !== 'invalid') throw error
      return in_(YOUNG_MS)
    }
  }

const in_ = (ms: number): { again: Date } => ({ again: new Date(Date.now() + ms) })

async function renew(graph: Graph, token: string, signal: AbortSignal) {
  // The address has the token, as this call is documented.
  const query = { grant_type: 'ig_refresh_token', access_token: token }
  const answer = await graph({ path: ['refresh_access_token'], query, token, signal })
  return renewedSchema.parse(answer)
}
