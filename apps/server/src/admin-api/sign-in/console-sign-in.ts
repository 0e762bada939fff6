import { PlugboardError } from '@plugboard/core'
import type { Hub } from '@plugboard/hub'
import { isLoopback } from '../../config/local-only.js'
import type { Config } from '../../config/read-config.js'

/** How somebody can sign in to the console. */
export interface SignInState {
  /** Whether the console is on. */
  isOn: boolean
  /** Why nobody can sign in, and what to do. */
  reason?: string
  /** Whether there are operators with passwords. */
  password: boolean
  oidc?: { label: string }
}

const CREATE = 'create one with `plugboard operators create --email EMAIL --role admin --password-stdin`'

/** What is possible at this server now: the first operator may have been created at another process. */
export async function signInState(
  { operators }: Pick<Hub, 'operators'>,
  config: Pick<Config, 'host' | 'adminKey' | 'oidcIssuer' | 'oidcLabel'>,
): Promise<SignInState> {
  const oidc = config.oidcIssuer === undefined ? {} : { oidc: { label: config.oidcLabel } }
  if (await operators.isAny()) return { isOn: true, password: true, ...oidc }
  if (config.oidcIssuer !== undefined) return { isOn: true, password: false, ...oidc }
  if (isLoopback(config.host))
    return {
      ...{ isOn: true, password: true },
      reason: `There is no operator yet: open the link that the server prints at its start, or ${CREATE}.`,
    }
  if (config.adminKey !== undefined)
    return { isOn: true, password: true, reason: `There is no operator yet: ${CREATE}.` }
  return {
    ...{ isOn: false, password: false },
    reason: `This server listens on a public address and has no operator: ${CREATE}, or set OIDC_ISSUER or ADMIN_KEY.`,
  }
}

/** @throws FORBIDDEN if the console is off */
export async function assertOn(...of: Parameters<typeof signInState>): Promise<void> {
  const { isOn, reason } = await signInState(...of)
  if (!isOn) throw new PlugboardError('FORBIDDEN', reason ?? 'The console is off.')
}
