import { createHash } from 'node:crypto'
import { z } from 'zod'

const filled = z
  .string({ error: ({ input }) => (input === undefined ? 'is required' : 'must be text') })
  .min(1, 'must not be empty')

/**
 * A client's configuration, with the field names of sync. Unknown fields are rejected, so that a typo is noticed. The
 * form of the values is not checked: Slack reports an invalid one when it is first used.
 */
export const configSchema = z
  .strictObject({
    /** "Signing Secret" on the app's page Basic Information: verifies requests of Slack. Not needed to listen. */
    signingSecret: filled.optional(),
    /** "Bot User OAuth Token" on the app's page OAuth & Permissions: `xoxb-…`. */
    botToken: filled,
    /** An app-level token of the page Basic Information, `xapp-…`, with the scope `connections:write`: to listen. */
    appToken: filled.optional(),
  })
  .refine(({ signingSecret, appToken }) => signingSecret !== undefined || appToken !== undefined, {
    path: ['signingSecret'],
    message: 'is required, or appToken',
  })

export type Config = z.infer<typeof configSchema>

/**
 * The app whose Socket Mode is used, by the id in its token. Slack gives each event to one of the connections of an app,
 * so only one client can use it.
 */
export function account({ appToken }: Config): string | undefined {
  if (appToken === undefined) return undefined
  const id = /^xapp-\d+-([A-Z0-9]{1,30})-/.exec(appToken)?.[1]
  return id ?? `token ${createHash('sha256').update(appToken).digest('hex').slice(0, 32)}`
}

/** The default. */
const SLACK_API_URL = 'https://slack.com/api/'

/** The operator's options, for all clients. */
export const optionsSchema = z
  .strictObject({
    /** Base of the Web API, for Slack's government cloud (`https://slack-gov.com/api/`), a proxy or a test. */
    slackApiUrl: z
      .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
      .regex(/\/api\/$/, 'must end in /api/')
      .default(SLACK_API_URL),
  })
  .prefault({})

export type Options = z.infer<typeof optionsSchema>
