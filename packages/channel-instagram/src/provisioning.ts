import { FailureError } from '@plugboard/core'
import type { Graph } from '@plugboard/graph-api'
import { z } from 'zod'
import { asAccount, type Context } from './api.js'
import type { Options } from './config.js'

/**
 * The fields of the webhook that the channel reads. An account gets all fields of the app; this turns it on.
 * https://developers.facebook.com/documentation/instagram-platform/webhooks/fields
 */
const FIELDS = [
  'messages',
  'messaging_postbacks',
  'messaging_seen',
  'message_reactions',
  'messaging_referral',
].join(',')

const meSchema = z.object({ user_id: z.coerce.string() })

/** Checks that the token is of the account, and that there is an app. */
export const check =
  (graph: Graph, options: Pick<Options, 'appSecret'>) =>
  async (context: Context): Promise<void> => {
    if (context.integration.config.appSecret === undefined && options.appSecret === undefined)
      throw new FailureError({
        ...{ kind: 'auth', field: 'appSecret' },
        message:
          'it is required, with verifyToken, because the operator of this server has configured no app',
      })
    const answer = await asAccount(graph)({ path: ['me'], query: { fields: 'user_id' } }, context)
    if (meSchema.safeParse(answer).data?.user_id === context.integration.config.accountId) return
    const message = 'accessToken is not a token of the account accountId'
    throw new FailureError({ kind: 'auth', field: 'accountId', message })
  }

/** Turns on the notifications of the account. The webhook of the app is entered by a person. */
export const provision =
  (graph: Graph) =>
  async (context: Context): Promise<void> => {
    await asAccount(graph)({ method: 'POST', ...subscription(context) }, context)
  }

export const unprovision =
  (graph: Graph) =>
  async (context: Context): Promise<void> => {
    await asAccount(graph)({ method: 'DELETE', ...subscription(context) }, context)
  }

const subscription = ({ integration: { config } }: Context) => ({
  path: [config.accountId, 'subscribed_apps'],
  query: { subscribed_fields: FIELDS },
})
