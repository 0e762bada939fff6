import type { Hub, Operator } from '@plugboard/hub'
import type { Config } from '../config/read-config.js'
import type { Refusals } from '../dialects/wrong-credentials.js'
import type { Passwords } from '../http/passwords/password-check.js'
import type { PublicUrls } from '../http/public-urls.js'
import type { ActionLimits } from './action-limits.js'
import type { Callers } from './callers.js'
import type { OutboundLimits } from './outbound-limits.js'
import type { Cookies } from './sign-in/cookies.js'
import type { Links } from './sign-in/links.js'
import type { SingleSignOn } from './sign-in/oidc.js'
import type { Sessions } from './sign-in/sessions.js'

export interface AdminOptions {
  hub: Hub
  refusals: Refusals
  urls: PublicUrls
  config: Config
  links: Links
  /** For programs. Undefined: no program may call. */
  adminKey: string | undefined
  /** Makes CSRF tokens and marks of networks, and signs sign-ins that are under way. The same for all processes. */
  sessionKey: Uint8Array
}

/** What the routes of the admin API share. */
export interface AdminDeps extends AdminOptions {
  callers: Callers
  cookies: Cookies
  sessions: Sessions
  passwords: Passwords<Operator>
  singleSignOn: SingleSignOn
  outboundLimits: OutboundLimits
  actionLimits: ActionLimits
}
