import { z } from 'zod'

const filled = z
  .string({ error: ({ input }) => (input === undefined ? 'is required' : 'must be text') })
  .min(1, 'must not be empty')

/**
 * What a client configures; the fields are the wire names of sync. Unknown ones are refused, so that a typo shows.
 * Neither has to look like Slack's: what a made-up one is worth, Slack says when it is first used.
 */
export const configSchema = z.strictObject({
  /** "Signing Secret" on the app's page Basic Information: verifies what comes in. */
  signingSecret: filled,
  /** "Bot User OAuth Token" on the app's page OAuth & Permissions: `xoxb-…`. */
  botToken: filled,
})

export type Config = z.infer<typeof configSchema>

/** Where Slack is, unless the operator says otherwise. */
const SLACK_API_URL = 'https://slack.com/api/'

/** What an operator sets for all clients. */
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
