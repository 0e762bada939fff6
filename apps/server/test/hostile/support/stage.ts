import { createTenant, startHubProcess, type Tenant } from '../../support/channel-stage.js'
import { type Provider, startProvider } from '../../support/providers/provider.js'
import { slack } from '../../support/providers/slack.js'
import { telegram } from '../../support/providers/telegram.js'
import { twilio } from '../../support/providers/twilio.js'
import type { TestServerProcess } from '../../support/server.js'
import { createProject, type Project } from '../../support/smartify.js'

type Name = 'telegram' | 'slack' | 'twilio'

/** A server under attack: who attacks has an account of every kind that it offers. */
export interface Stage {
  readonly server: TestServerProcess
  /** A client at each provider. */
  readonly tenants: Readonly<Record<Name, Tenant>>
  readonly providers: Readonly<Record<Name, Provider>>
  /** A project with guests. */
  readonly project: Project
  close(): Promise<void>
}

export async function startStage(env: Record<string, string> = {}): Promise<Stage> {
  const [atTelegram, atSlack, atTwilio] = await Promise.all([telegram, slack, twilio].map(startProvider))
  if (!atTelegram || !atSlack || !atTwilio) throw new Error('a provider is missing')
  const providers = { telegram: atTelegram, slack: atSlack, twilio: atTwilio }
  const server = await startHubProcess(Object.values(providers), { LOG_LEVEL: 'warn', ...env })
  return {
    server,
    providers,
    tenants: {
      telegram: await createTenant(server, atTelegram),
      slack: await createTenant(server, atSlack),
      twilio: await createTenant(server, atTwilio),
    },
    project: await createProject(server),
    async close() {
      await server.kill()
      await Promise.all(Object.values(providers).map((provider) => provider.close()))
    },
  }
}
