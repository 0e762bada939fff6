import { FailureError, isUrl } from '@plugboard/core'
import { GraphError } from '@plugboard/graph-api'
import { z } from 'zod'
import type { Call, Context } from './api.js'
import type { Options } from './config.js'

const numberSchema = z.object({ id: z.string() })
const numbersSchema = z.object({
  data: z.array(z.object({ id: z.string() })),
  paging: z.object({ next: z.string().optional() }).optional().catch(undefined),
})

/** Asks Meta whether the token and the secret work, whether the number exists, and whether the account has it. */
export const check =
  (call: Call, options: Options) =>
  async (context: Context): Promise<void> => {
    const { phoneNumberId, businessAccountId, appSecret } = context.integration.config
    if (appSecret === undefined && options.appSecret === undefined) {
      const message =
        'it is required, with verifyToken, because the operator of this server has configured no app'
      throw new FailureError({ kind: 'auth', field: 'appSecret', message })
    }
    const number = numberSchema.safeParse(
      await call({ path: [phoneNumberId], query: { fields: 'id,display_phone_number' } }, context),
    )
    if (!number.success) throw refused('phoneNumberId', 'it is not the id of a number')
    if (businessAccountId === undefined) return
    const query = { fields: 'id', limit: '1000' }
    const numbers = numbersSchema.safeParse(
      await ofAccount(call({ path: [businessAccountId, 'phone_numbers'], query }, context)),
    )
    const { data = [], paging } = numbers.data ?? {}
    if (!paging?.next && !data.some(({ id }) => id === phoneNumberId))
      throw refused('businessAccountId', 'the account does not have the number phoneNumberId')
  }

const refused = (field: string, message: string): FailureError =>
  new FailureError({ kind: 'auth', field, message })

/** A call about the account, which may be that of nothing. */
async function ofAccount<T>(calling: Promise<T>): Promise<T> {
  try {
    return await calling
  } catch (error) {
    const isUnknown =
      error instanceof GraphError && error.details.code === 100 && error.details.subcode === 33
    if (!isUnknown) throw error
    throw refused('businessAccountId', 'it does not exist, or the access token may not use it')
  }
}

/**
 * Subscribes the app to the account, and sends the events of the number here: the app has one address, and a number may
 * have another. A number of the operator's app uses the address of that app.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override/
 */
export const provision =
  (call: Call) =>
  async (context: Context): Promise<void> => {
    const { phoneNumberId, businessAccountId, verifyToken } = context.integration.config
    if (businessAccountId !== undefined)
      await ofAccount(call({ method: 'POST', path: [businessAccountId, 'subscribed_apps'] }, context))
    if (verifyToken === undefined) return unprovision(call)(context)
    const webhook_configuration = {
      override_callback_uri: context.webhookUrl,
      verify_token: verifyToken,
    }
    await call({ path: [phoneNumberId], json: { webhook_configuration } }, context)
  }

const configurationSchema = z.object({
  webhook_configuration: z.object({ phone_number: z.string().optional() }).optional(),
})

/** Removes the address of the number, if it is ours. */
export const unprovision =
  (call: Call) =>
  async (context: Context): Promise<void> => {
    const path = [context.integration.config.phoneNumberId]
    const answer = await call({ path, query: { fields: 'webhook_configuration' } }, context)
    const url = configurationSchema.safeParse(answer).data?.webhook_configuration?.phone_number
    if (!url || endOf(url) !== endOf(context.webhookUrl)) return
    await call({ path, json: { webhook_configuration: { override_callback_uri: '' } } }, context)
  }

/** Names the integration. The server may have moved. */
const endOf = (url: string): string =>
  isUrl(url) ? new URL(url).pathname.split('/').slice(-2).join('/') : url
