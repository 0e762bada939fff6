import { isUrl } from '@plugboard/core'
/** For conversations of which no address is known. */
export const GLOBAL_SERVICE_URL = 'https://smba.trafficmanager.net/teams'

/** For conversations of tenants in the government community cloud (GCC), which the global one refuses. */
export const GCC_SERVICE_URL = 'https://smba.infra.gcc.teams.microsoft.com/teams'

/**
 * Hosts of the Bot Connector of Teams. Of `trafficmanager.net`, anybody can get a name, so only Microsoft's own is here.
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages
 */
const HOSTS =
  /^(smba\.trafficmanager\.net|([\w-]+\.)*(botapi\.skype\.com|teams\.microsoft\.(com|us)|botframework\.(com|us)))$/

/** The address of a Bot Connector of Microsoft, without a slash at its end; undefined for any other address. */
export function serviceUrlIn(text: unknown): string | undefined {
  const url = typeof text === 'string' && text.length <= 500 && isUrl(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:' || url.port !== '' || url.username + url.password !== '') return undefined
  if (url.search !== '' || url.hash !== '' || !HOSTS.test(url.hostname)) return undefined
  return url.href.replace(/\/+$/, '')
}
