import { type CallContext, FailureError, isUrl } from '@plugboard/core'
import { z } from 'zod'
import type { Call, Session } from './api.js'
import type { Config } from './config.js'
import { snowflake } from './endpoint.js'

type Context = CallContext<Config, Session>

const applicationSchema = z.object({
  id: snowflake,
  verify_key: z.string(),
  interactions_endpoint_url: z.string().nullish(),
})

const path = '/applications/@me'

/** Checks that the token works, and that the other fields are of the same app. */
export const check = (call: Call) => async (context: Context) => {
  const { applicationId, publicKey } = context.integration.config
  const { success, data } = applicationSchema.safeParse(await call({ method: 'GET', path }, context))
  if (!success)
    throw new FailureError({
      kind: 'ambiguous',
      message: 'Discord answered without the application of the token',
    })
  const other = (field: string) =>
    new FailureError({ kind: 'auth', field, message: `${field} is not that of the app of the token` })
  if (data.id !== applicationId) throw other('applicationId')
  if (publicKey !== undefined && data.verify_key.toLowerCase() !== publicKey) throw other('publicKey')
  return data
}

/**
 * Registers the URL for interactions. Discord calls it while it answers, with a request that must be refused and one that
 * must be answered.
 */
export const provision =
  (call: Call) =>
  async (context: Context): Promise<void> => {
    const { interactions_endpoint_url: known } = await check(call)(context)
    const { webhookUrl } = context
    if (known === webhookUrl) return
    await call({ method: 'PATCH', path, body: { interactions_endpoint_url: webhookUrl } }, context)
  }

/** Removes the URL of this integration, so that interactions come over the connection. Leaves that of another program. */
export const unprovision =
  (call: Call) =>
  async (context: Context): Promise<void> => {
    const { interactions_endpoint_url: known } = await check(call)(context)
    if (!known || !isSame(known, context.webhookUrl)) return
    await call({ method: 'PATCH', path, body: { interactions_endpoint_url: null } }, context)
  }

/** Whether two addresses are of the same integration, which their ends name. The server may have moved. */
const isSame = (url: string, own: string): boolean => endOf(url) === endOf(own)

const endOf = (url: string): string =>
  isUrl(url) ? new URL(url).pathname.split('/').slice(-2).join('/') : url
