import { z } from 'zod'

const filled = z
  .string({ error: ({ input }) => (input === undefined ? 'is required' : 'must be text') })
  .min(1, 'must not be empty')

/**
 * A client's configuration, with the field names of sync. Unknown fields are rejected, so that a typo is noticed. The
 * form of both values is not checked: Slack reports an invalid one when it is first used.
 */
export const configSchema = z.strictObject({
  /** "Signing Secret" on the app's page Basic Information: verifies requests of Slack. */
  signingSecret: filled,
  /** "Bot User OAuth Token" on the app's page OAuth & Permissions: `xoxb-…`. */
  botToken: filled,
})

export type Config = z.infer<typeof configSchema>

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
