import { type CallContext, FailureError } from '@plugboard/core'
import { z } from 'zod'
import { type Call, openConnection, type Session } from './api.js'
import type { Config, Options } from './config.js'

/** Whom a token is of: https://docs.slack.dev/reference/methods/auth.test */
const testSchema = z.object({
  team_id: z.string().nullish(),
  enterprise_id: z.string().nullish(),
  is_enterprise_install: z.boolean().nullish(),
})

/** Asks Slack whether the tokens work, and whether the bot token is of the workspace whose events the integration gets. */
export const check =
  (call: Call, { signingSecret }: Options) =>
  async (context: CallContext<Config, Session>): Promise<void> => {
    const { appToken, teamId } = context.integration.config
    if (teamId !== undefined && signingSecret === undefined)
      throw refusal(
        'this server has no app for several workspaces; use an app of your own, and its signingSecret',
      )
    const answer = await call('auth.test', {}, context)
    if (teamId !== undefined) assertIsOf(teamId, answer)
    if (appToken !== undefined) await openConnection(call, appToken, context)
  }

/** Otherwise a client could get the events of a workspace by its id alone. */
function assertIsOf(teamId: string, answer: unknown): void {
  const { team_id, enterprise_id, is_enterprise_install } = testSchema.safeParse(answer).data ?? {}
  if (teamId === team_id || (is_enterprise_install && teamId === enterprise_id)) return
  throw refusal('botToken is not of this workspace or organization')
}

const refusal = (message: string): FailureError =>
  new FailureError({ kind: 'auth', field: 'teamId', message })
