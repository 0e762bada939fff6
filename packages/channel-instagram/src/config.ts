import { allOrNone, filledText, graphUrl, tokenText } from '@plugboard/graph-api/fields'
import { z } from 'zod'

/**
 * A client's configuration, with the field names of sync. Unknown fields are rejected, so that a typo is noticed. An account
 * in the operator's app has no secret of it: whoever knows that secret can write in the name of every person of every
 * account.
 */
export const configSchema = z
  .strictObject({
    appSecret: filledText(200)
      .optional()
      .describe(
        '"Instagram app secret" in the App Dashboard: signs the requests of Meta. Absent for the operator\'s app.',
      ),
    verifyToken: filledText(500)
      .optional()
      .describe("Any text; Meta sends it when it checks the webhook URL. Absent for the operator's app."),
    accountId: filledText(32)
      .regex(/^\s*$|^\d+$/, 'must be the id of the account, which has digits only')
      .describe(
        'Id of the professional account: `user_id` of `/me`, and shown beside the token in the App Dashboard.',
      ),
    accessToken: tokenText().describe(
      'A long-lived Instagram user access token. It is valid for 60 days, and the channel renews it.',
    ),
  })
  .superRefine(...allOrNone('appSecret', 'verifyToken'))

export type Config = z.infer<typeof configSchema>

/** An account has one inbox, so only one client can use it. */
export const account = ({ accountId }: Config): string => accountId

/** The operator's options, for all clients. */
export const optionsSchema = z
  .strictObject({
    /** Address of the Instagram API: a proxy or a test. It gets tokens. */
    apiBaseUrl: graphUrl('https://graph.instagram.com'),
    /** "Instagram app secret" of an app of the operator that serves accounts of several clients, at the one URL of the channel. */
    appSecret: filledText(200).optional(),
    /** The verify token of that app's webhook. */
    verifyToken: filledText(500).optional(),
  })
  .refine(({ appSecret, verifyToken }) => (appSecret === undefined) === (verifyToken === undefined), {
    path: ['verifyToken'],
    message: 'and appSecret are needed together',
  })
  .prefault({})

export type Options = z.infer<typeof optionsSchema>
