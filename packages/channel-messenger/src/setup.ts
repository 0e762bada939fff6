import { FailureError, isUrl } from '@plugboard/core'
import { GraphError } from '@plugboard/graph-api'
import { z } from 'zod'
import { type Call, type Context, noApp } from './api.js'
import type { Options } from './config.js'

/** The fields of the webhook that the channel reads. Echoes are not among them. */
const FIELDS = [
  'messages',
  'messaging_postbacks',
  'messaging_referrals',
  'message_deliveries',
  'message_reads',
  'message_reactions',
  'message_edits',
].join(',')

/** What the setup calls, and the operator's options. */
interface Apis {
  page: Call
  app: Call
  options: Options
}

const idSchema = z.object({ id: z.string() })

/** Checks the token, that it is of the page and of the app, and the credentials of an own app. */
export const check =
  ({ page, app, options }: Apis) =>
  async (context: Context): Promise<void> => {
    const { pageId, appId } = context.integration.config
    if (appId === undefined && options.appSecret === undefined) throw noApp()
    const { data } = idSchema.safeParse(await page({ path: ['me'], query: { fields: 'id' } }, context))
    if (data?.id !== pageId)
      throw new FailureError({
        ...{ kind: 'auth', field: 'accessToken' },
        message: 'accessToken is not a token of the page pageId; a page access token is needed',
      })
    if (appId !== undefined) await appCall(app, { path: [appId], query: { fields: 'id' } }, context)
  }

/** A call as the app. A token of the app is made of appId and appSecret, so one of them is wrong. */
async function appCall(app: Call, call: Parameters<Call>[0], context: Context): Promise<unknown> {
  try {
    return await app(call, context)
  } catch (error) {
    const isRefused = error instanceof GraphError && [101, 190].includes(error.details.code ?? 0)
    if (!isRefused) throw error
    const message = 'Messenger does not know the app: appId or appSecret is wrong'
    throw new FailureError({ kind: 'auth', field: 'appSecret', message })
  }
}

/**
 * Registers the webhook of the app, and subscribes the app to the page. The webhook of an app that serves several clients
 * is the operator's, who registers it once.
 * @throws FailureError if the app calls another integration of this server
 */
export const provision =
  ({ page, app, options }: Apis) =>
  async (context: Context): Promise<void> => {
    const { appId, appSecret, verifyToken, pageId } = context.integration.config
    if (appSecret === undefined && options.appSecret === undefined) throw noApp()
    if (appId !== undefined && verifyToken !== undefined && appSecret !== options.appSecret)
      await register(app, { appId, verifyToken }, context)
    const json = { subscribed_fields: FIELDS }
    await page({ path: [pageId, 'subscribed_apps'], json }, context)
  }

/** Tells an own app to call the integration. */
async function register(
  app: Call,
  { appId, verifyToken }: { appId: string; verifyToken: string },
  context: Context,
): Promise<void> {
  const { state, webhookUrl } = context
  const known = await state.read({ isFresh: true })
  const before = stateSchema.safeParse(known?.value).data?.webhookUrl
  const url = await findWebhook(app, appId, context)
  const isOwn = url !== undefined && before !== undefined && endOf(url) === endOf(before)
  if (url !== undefined && !isOwn && isOther(url, webhookUrl))
    throw new FailureError({
      kind: 'invalid',
      message:
        'the app already calls another integration of this server; for several pages of one app, set its appSecret and verifyToken in the options of the channel. If there is no such integration any more, remove the callback URL of the app at Meta',
    })
  const json = { object: 'page', callback_url: webhookUrl, verify_token: verifyToken, fields: FIELDS }
  await appCall(app, { method: 'POST', path: [appId, 'subscriptions'], json }, context)
  if (before !== webhookUrl) await state.write({ webhookUrl }, known?.version)
}

/** The address that the integration has registered. It has another one when it is renamed. */
const stateSchema = z.object({ webhookUrl: z.string() })

/** Ends the subscription of the page, and the webhook of the app. Leaves an app alone that calls another program. */
export const unprovision =
  ({ page, app, options }: Apis) =>
  async (context: Context): Promise<void> => {
    const { integration, webhookUrl } = context
    const { appId, appSecret, pageId } = integration.config
    if (appId !== undefined && appSecret !== options.appSecret) {
      const url = await findWebhook(app, appId, context)
      if (url !== undefined && endOf(url) !== endOf(webhookUrl)) return
      const query = { object: 'page' }
      if (url !== undefined)
        await appCall(app, { method: 'DELETE', path: [appId, 'subscriptions'], query }, context)
    }
    await page({ method: 'DELETE', path: [pageId, 'subscribed_apps'] }, context)
  }

const subscriptionsSchema = z.object({
  data: z.array(z.object({ object: z.string(), callback_url: z.string() })),
})

/** Where the app sends the events of pages. https://developers.facebook.com/docs/graph-api/reference/app/subscriptions */
async function findWebhook(app: Call, appId: string, context: Context): Promise<string | undefined> {
  const answer = await appCall(app, { path: [appId, 'subscriptions'] }, context)
  const { data } = subscriptionsSchema.safeParse(answer)
  return data?.data.find(({ object }) => object === 'page')?.callback_url
}

/** Whether an address is of another integration of the server of `own`. */
const isOther = (url: string, own: string): boolean =>
  isUrl(url) && new URL(url).origin === new URL(own).origin && endOf(url) !== endOf(own)

/** The client and the integration. The server may have moved. */
const endOf = (url: string): string =>
  isUrl(url) ? new URL(url).pathname.split('/').slice(-2).join('/') : url
