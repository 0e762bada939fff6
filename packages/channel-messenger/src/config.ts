import { allOrNone, filledText, GRAPH_URL, graphUrl, tokenText } from '@plugboard/graph-api/fields'
import { z } from 'zod'

/** An id of Meta in the path of calls. */
const id = (what: string) =>
  filledText(32).regex(/^\s*$|^\d+$/, `must be the id of the ${what}, which has digits only`)

/**
 * A client's configuration, with the field names of sync. Unknown fields are rejected, so that a typo is noticed. A page in
 * the operator's app has no secret of it: whoever knows that secret can write in the name of every person of every page.
 */
export const configSchema = z
  .strictObject({
    appId: id('app').optional().describe('"App ID" of the app in the App Dashboard.'),
    appSecret: filledText(200)
      .regex(/^[\x21-\x7e\s]*$/, 'must have only ASCII characters')
      .optional()
      .describe('"App secret" of the app: signs the requests of Meta, and proves those to Meta.'),
    verifyToken: filledText(500)
      .optional()
      .describe('Any text; Meta sends it when it checks the webhook URL.'),
    pageId: id('page').describe('Id of the Facebook page.'),
    accessToken: tokenText().describe(
      'A page access token with the permissions pages_messaging and pages_manage_metadata.',
    ),
  })
  .superRefine(...allOrNone('appId', 'appSecret', 'verifyToken'))

export type Config = z.infer<typeof configSchema>

/** A page has one inbox, so only one client can use it. */
export const account = ({ pageId }: Config): string => pageId

/** The operator's options, for all clients. */
export const optionsSchema = z
  .strictObject({
    /** Address of the Graph API: a proxy or a test. It gets tokens. */
    apiBaseUrl: graphUrl(GRAPH_URL),
    /** "App secret" of an app of the operator that serves pages of several clients, at the one URL of the channel. */
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
