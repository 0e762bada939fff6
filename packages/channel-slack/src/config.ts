import { createHash } from 'node:crypto'
import { z } from 'zod'

const filled = z
  .string({ error: ({ input }) => (input === undefined ? 'is required' : 'must be text') })
  .min(1, 'must not be empty')

/** Fields are compared with each other also beside faults of others, so that all faults are named at once. */
const isObject = ({ value }: { value: unknown }): boolean => typeof value === 'object' && value !== null

/**
 * A client's configuration, with the field names of sync. Unknown fields are rejected, so that a typo is noticed. The
 * form of the values is not checked: Slack reports an invalid one when it is first used.
 */
export const configSchema = z
  .strictObject({
    signingSecret: filled
      .optional()
      .describe(
        '"Signing Secret" on the page Basic Information of an own app: verifies requests of Slack. Not needed to listen.',
      ),
    botToken: filled.describe('"Bot User OAuth Token" on the app\'s page OAuth & Permissions: `xoxb-…`.'),
    appToken: filled
      .optional()
      .describe(
        'An app-level token of the page Basic Information, `xapp-…`, with the scope `connections:write`: to listen.',
      ),
    teamId: z
      .string({ error: 'must be text' })
      .regex(/^[TE][A-Z0-9]{1,30}$/, 'must be the id of a workspace, T…, or of an organization, E…')
      .optional()
      .describe(
        "The workspace in which the operator's app is installed, or the organization if the app is installed in all of it: instead of an own app.",
      ),
  })
  .refine(
    ({ signingSecret, appToken, teamId }) =>
      signingSecret !== undefined || appToken !== undefined || teamId !== undefined,
    { path: ['signingSecret'], message: 'is required, or appToken, or teamId', when: isObject },
  )
  .refine(
    ({ signingSecret, appToken, teamId }) =>
      teamId === undefined || (signingSecret === undefined && appToken === undefined),
    {
      path: ['teamId'],
      message: 'must be absent with a signingSecret or an appToken, which are of an own app',
      when: isObject,
    },
  )

export type Config = z.infer<typeof configSchema>

/**
 * The workspace in the operator's app, or the app whose Socket Mode is used, by the id in its token. Slack gives each event
 * to one of the connections of an app, so only one client can use it.
 */
export function account({ appToken, teamId }: Config): string | undefined {
  if (teamId !== undefined) return teamId
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
    /**
     * "Signing Secret" of the operator's app, which is installed in the workspaces of several clients: verifies requests to
     * `/webhooks/v1/slack`.
     */
    signingSecret: filled.optional(),
  })
  .prefault({})

export type Options = z.infer<typeof optionsSchema>
