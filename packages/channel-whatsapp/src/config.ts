import { allOrNone, filledText, GRAPH_URL, graphUrl, tokenText } from '@plugboard/graph-api/fields'
import { z } from 'zod'

/** An id of Meta. It becomes a part of a path. */
const id = (what: string) => filledText(32).regex(/^\d*$/, `must be ${what}, which has digits only`)

/**
 * A client's configuration, with the field names of sync. Unknown fields are rejected, so that a typo is noticed. `check`
 * asks Meta whether the values are valid.
 */
export const configSchema = z
  .strictObject({
    phoneNumberId: id('the id of a number').describe(
      '"Phone number ID" on the app\'s page WhatsApp > API Setup: the number of the business, not the number itself.',
    ),
    accessToken: tokenText().describe(
      'Access token of a system user, with the permission whatsapp_business_messaging.',
    ),
    appSecret: filledText(200)
      .optional()
      .describe(
        '"App secret" on the app\'s page App settings > Basic: signs requests of Meta. Absent for the operator\'s app.',
      ),
    verifyToken: filledText(200)
      .optional()
      .describe("Chosen by you, and entered with the webhook URL. Absent for the operator's app."),
    businessAccountId: id('the id of a WhatsApp Business Account')
      .optional()
      .describe('"WhatsApp Business Account ID": the integration subscribes the app to it.'),
  })
  .superRefine(...allOrNone('appSecret', 'verifyToken'))

export type Config = z.infer<typeof configSchema>

/** The number, which has one webhook. */
export const account = ({ phoneNumberId }: Config): string => phoneNumberId

/** The operator's options. */
export const optionsSchema = z
  .strictObject({
    /** Address of the Graph API without a version, for a proxy or a test. */
    graphUrl: graphUrl(GRAPH_URL),
    /** The secret of an app of the operator, whose one webhook URL serves all numbers. */
    appSecret: filledText(200).optional(),
    /** The verify token of that app. */
    verifyToken: filledText(200).optional(),
  })
  .superRefine(({ appSecret, verifyToken }, context) => {
    if ((appSecret === undefined) === (verifyToken === undefined)) return
    const missing = appSecret === undefined ? 'appSecret' : 'verifyToken'
    context.addIssue({ code: 'custom', path: [missing], message: 'is required: an app has both' })
  })
  .prefault({})

export type Options = z.infer<typeof optionsSchema>
