import { findOrigins, type Origin } from './payloads.js'

/**
 * The workspaces that a payload is about, or the organization if the app is installed in all of it. An event names in
 * `authorizations` where the app is that sees it: a person may be of another workspace (Slack Connect).
 * https://docs.slack.dev/apis/events-api/#authorizations
 */
export function teamsIn(payload: unknown): string[] {
  const origins = findOrigins(payload)
  if (!origins) return []
  const named = (origins.authorizations ?? []).flatMap((each) => teamOf(each) ?? [])
  return [...new Set(named.length > 0 ? named : [teamOf(origins)].filter((team) => team !== undefined))]
}

function teamOf(origin: Origin): string | undefined {
  const { is_enterprise_install, enterprise_id, enterprise, team_id, team, user, view } = origin
  const organization = enterprise_id ?? enterprise?.id ?? team?.enterprise_id
  if (is_enterprise_install && organization) return organization
  return view?.app_installed_team_id ?? team_id ?? team?.id ?? user?.team_id ?? undefined
}
