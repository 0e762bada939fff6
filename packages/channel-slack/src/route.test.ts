import type { InboundRequest } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { signatureOf } from '../test/fake-slack.js'
import type { Config, Options } from './config.js'
import { parse } from './inbound.js'
import { route } from './route.js'

const options: Options = { slackApiUrl: 'https://slack.com/api/', signingSecret: 'of-the-operator' }

function signed(body: string, type = 'application/json', secret = 'of-the-operator'): InboundRequest {
  const bytes = Buffer.from(body)
  return {
    method: 'POST',
    publicUrl: 'https://hub.example/webhooks/v1/slack',
    headers: { 'content-type': type, ...signatureOf(bytes, secret, new Date()) },
    body: bytes,
  }
}

const event = (envelope: object): InboundRequest =>
  signed(
    JSON.stringify({
      ...{ type: 'event_callback', event_id: 'Ev1', event_time: 1795334401 },
      event: { type: 'message', channel: 'D1', user: 'U1', ts: '1795334401.000100', text: 'hi' },
      ...envelope,
    }),
  )
const FORM = 'application/x-www-form-urlencoded'
const form = (fields: Record<string, string>): InboundRequest =>
  signed(new URLSearchParams(fields).toString(), FORM)
const interaction = (payload: object): InboundRequest =>
  form({
    payload: JSON.stringify({
      ...{ type: 'block_actions', user: { id: 'U1', team_id: 'T9' }, channel: { id: 'D1' } },
      trigger_id: '1.2',
      actions: [{ type: 'button', action_id: 'a', block_id: 'b', action_ts: '1.2', value: 'v' }],
      ...payload,
    }),
  })
const command = (fields: Record<string, string>): InboundRequest =>
  form({ command: '/weather', user_id: 'U1', channel_id: 'D1', trigger_id: '1.2', ...fields })

const inTeam = (team_id: string | null, more: object = {}) => ({
  team_id,
  is_enterprise_install: false,
  ...more,
})
const inOrganization = { team_id: 'T1', enterprise_id: 'E1', is_enterprise_install: true }

/** Each kind of request, and the workspaces or the organization that it is about. */
const requests: [string, InboundRequest, string[]][] = [
  ['an event', event({ team_id: 'T1', authorizations: [inTeam('T1')] }), ['T1']],
  ['an event of another workspace', event({ team_id: 'T9', authorizations: [inTeam('T1')] }), ['T1']],
  ['an event of two installations', event({ authorizations: [inTeam('T1'), inTeam('T2')] }), ['T1', 'T2']],
  ['an event of an old form', event({ team_id: 'T1' }), ['T1']],
  [
    'an event that names no workspace twice',
    event({ team_id: 'T1', authorizations: [inTeam(null)] }),
    ['T1'],
  ],
  ['an event in an organization', event({ team_id: 'T1', authorizations: [inOrganization] }), ['E1']],
  [
    'an event in one workspace of an organization',
    event({ authorizations: [inTeam('T1', { enterprise_id: 'E1' })] }),
    ['T1'],
  ],
  ['an event of nowhere', event({}), []],
  ['a press', interaction({ team: { id: 'T1' } }), ['T1']],
  [
    'a press in an organization',
    interaction({ team: { id: 'T1', enterprise_id: 'E1' }, is_enterprise_install: true }),
    ['E1'],
  ],
  [
    'a press in an organization without a workspace',
    interaction({ team: null, enterprise: { id: 'E1' }, is_enterprise_install: true }),
    ['E1'],
  ],
  [
    'a dialog of a person of another workspace',
    interaction({ type: 'view_closed', team: { id: 'T9' }, view: { app_installed_team_id: 'T1' } }),
    ['T1'],
  ],
  ['a command', command({ team_id: 'T1', is_enterprise_install: 'false' }), ['T1']],
  [
    'a command in an organization',
    command({ team_id: 'T1', enterprise_id: 'E1', is_enterprise_install: 'true' }),
    ['E1'],
  ],
]

describe('route', () => {
  test.each(requests)('finds where the app is installed: %s', (_, request, accounts) => {
    expect(route(options)(request)).toEqual({ verdict: { ok: true }, accounts })
  })

  test('answers the verification of the URL and the check of the certificate', () => {
    const challenge = signed('{"type":"url_verification","challenge":"3eZbrw1a"}')
    expect(route(options)(challenge)).toMatchObject({
      accounts: [],
      response: { status: 200, body: '{"challenge":"3eZbrw1a"}' },
    })
    const check = { ...form({ ssl_check: '1' }), headers: { 'content-type': FORM } }
    expect(route(options)(check)).toEqual({ verdict: { ok: true }, accounts: [], response: { status: 200 } })
  })

  test('refuses what another app signed, and what is no request of Slack', () => {
    const foreign = signed('{"type":"event_callback","team_id":"T1"}', 'application/json', 'of-another-app')
    expect(route(options)(foreign)?.verdict).toEqual({ ok: false, reason: 'mismatch' })
    expect(route(options)(signed('{"type":'))?.verdict).toEqual({ ok: false, reason: 'malformed' })
  })

  test('is not there without the secret of an app', () => {
    const { signingSecret: _, ...without } = options
    expect(route(without)(event({ team_id: 'T1' }))).toBe(undefined)
  })
})

describe('parse', () => {
  test.each(requests.filter(([, , accounts]) => accounts.length > 0))(
    'gives %s only to its own workspace',
    (_, request, accounts) => {
      const countFor = (config: Pick<Config, 'teamId'>): number => parse(request, config).events.length
      const whole = countFor({})
      for (const teamId of accounts) expect(countFor({ teamId })).toBe(whole)
      expect(countFor({ teamId: 'T404' })).toBe(0)
    },
  )
})
