import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { invalidBlocks } from '../../../../packages/channel-slack/test/fake-slack.js'
import { createTenant, EXTERNAL_URL, startHub, type Tenant } from '../support/channel-stage.js'
import { json, type Provider, type Sent, startProvider, type Told } from '../support/providers/provider.js'
import { slack } from '../support/providers/slack.js'
import { cleanUp, type TestServer } from '../support/server.js'
import { inboundBehaviour } from './inbound.js'
import { outboundBehaviour } from './outbound.js'

inboundBehaviour(slack)
outboundBehaviour(slack)

describe('an app of Slack', () => {
  let provider: Provider
  let server: TestServer
  let tenant: Tenant
  beforeAll(async () => {
    provider = await startProvider(slack)
    server = await startHub([provider])
    tenant = await createTenant(server, provider)
  })
  afterAll(async () => {
    await tenant.bot.close()
    await provider.close()
    await cleanUp()
  })

  const approve = { action: 'Postback', title: 'Approve', payload: 'approve:42' }
  const challenge: Told = {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'url_verification', token: 'old', challenge: '3eZbrw1aB' }),
  }

  test('verifies the address, which only Slack can', async () => {
    expect((await tenant.post(challenge)).status).toBe(401)
    const { status, json } = await tenant.tell(challenge)
    expect([status, json]).toEqual([200, { challenge: '3eZbrw1aB' }])
    expect(tenant.bot.requests.filter(({ json }) => json.type !== 'health.new')).toEqual([])
  })

  test('answers the check of its certificate, which Slack does not sign', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const check = { headers, body: 'ssl_check=1&token=gIkuvaNzQIHg97ATvDxqgjtO' }
    expect((await tenant.post(check)).status).toBe(200)
    expect((await tenant.post({ headers, body: `${check.body}&command=%2Fpay&user_id=U1` })).status).toBe(401)
  })

  test('of a client alone: the server has no app for several workspaces', async () => {
    expect((await tenant.tell(challenge, { path: '/webhooks/v1/slack' })).status).toBe(404)
    const { status, text } = await tenant.sync({ botToken: 'xoxb-T1-a', teamId: 'T1' })
    expect([status, text]).toEqual([400, expect.stringContaining('no app for several workspaces')])
  })

  test('shows its webhook URL in the setup steps of health', async () => {
    expect((await tenant.health()).setup).toContain(EXTERNAL_URL + tenant.path)
  })

  test('may be written to with a command', async () => {
    const body = new URLSearchParams({
      command: '/weather',
      text: 'Québec',
      user_id: 'U5001',
      channel_id: 'D5001',
      trigger_id: '13345224609.738474920',
    }).toString()
    const command = { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body }
    for (let i = 0; i < 2; i += 1) expect((await tenant.tell(command)).status).toBe(200)
    await tenant.write(1, 'and that was all')
    const heard = await tenant.hears(2)
    expect(heard.map(({ payload }) => payload.text)).toEqual(['/weather Québec', 'and that was all'])
  })

  test('gets a forwarded message after the words of the person, and its file behind our address', async () => {
    const { told, bytes } = provider.send(90, randomUUID(), provider.url)
    const whole = JSON.parse(told.body)
    const { files, ...event } = whole.event
    const share = { is_share: true, author_name: 'Ada', text: 'The server is on fire', files }
    const forwarded = { ...event, subtype: undefined, text: 'please handle this', attachments: [share] }
    const before = tenant.heard().length
    const body = JSON.stringify({ ...whole, event: forwarded })
    expect((await tenant.tell({ ...told, body })).status).toBe(200)
    const [words, file] = (await tenant.hears(before + 2)).slice(before)
    expect(words?.payload.text).toBe('please handle this\n\nAda: The server is on fire')
    const url = String(file?.payload.url).replace(EXTERNAL_URL, server.url)
    expect(await (await fetch(url)).text()).toBe(bytes)
  })

  test('gets a table with more values than other JSON may have', async () => {
    const { told } = provider.send(91, randomUUID(), provider.url)
    const whole = JSON.parse(told.body)
    const { files: _, ...event } = whole.event
    const cell = {
      type: 'rich_text',
      elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: 'x' }] }],
    }
    const blocks = [{ type: 'table', rows: Array(100).fill(Array(20).fill(cell)) }]
    const body = JSON.stringify({ ...whole, event: { ...event, subtype: undefined, text: '', blocks } })
    const before = tenant.heard().length
    expect((await tenant.tell({ ...told, body })).status).toBe(200)
    const [table] = (await tenant.hears(before + 1)).slice(before)
    const row = Array(20).fill('x').join(' | ')
    expect(table?.payload.text).toBe(Array(100).fill(row).join('\n'))
  })

  test('gets a picture that Slack cannot download as its title and its link', async () => {
    const url = 'https://media.example/plan.png'
    provider.answerInstead = (_, { body }) =>
      new URLSearchParams(body).has('blocks')
        ? json(200, invalidBlocks(['downloading image failed [json-pointer:/blocks/0/image_url]']))
        : undefined
    const id = await tenant.say(80, { type: 'image', image: url, title: 'The plan' })
    await expect.poll(async () => (await tenant.delivery(id)).state, { timeout: 10_000 }).toBe('delivered')
    provider.answerInstead = () => undefined
    expect(tenant.shownTo(80).map(({ text }) => text)).toEqual([`<${url}|The plan>`])
    expect(tenant.triedAt(80)).toHaveLength(2)
  })

  test('takes the press of a colleague as that person’s, where the message is', async () => {
    const question = await tenant.say(70, { type: 'card', title: 'Order 42', actions: [approve] })
    await expect.poll(() => tenant.shownTo(70).length, { timeout: 10_000 }).toBe(1)
    const before = tenant.heard().length
    const told = provider.press(70, tenant.shownTo(70)[0] as Sent, 0, randomUUID())
    const colleague = { ...told, body: told.body.replaceAll('U5070', 'U5071') }
    expect((await tenant.tell(colleague)).status).toBe(200)
    const [pressed] = (await tenant.hears(before + 1)).slice(before)
    expect(pressed?.payload).toEqual({ type: 'postback', payload: 'approve:42', messageId: question })
    const path = `/messages/conversation/${await tenant.conversationWith(70)}`
    const listed = await tenant.client.call('GET', path)
    const ids = (listed.json as { id: string }[]).map(({ id }) => id)
    expect(ids.toSorted()).toEqual([question, pressed?.id].toSorted())
  })
})

describe('one app of Slack in the workspaces of several clients', () => {
  const path = '/webhooks/v1/slack'
  const app = { signingSecret: 'secret-of-the-operator' }
  let provider: Provider
  let server: TestServer
  let acme: Tenant
  let bistro: Tenant
  beforeAll(async () => {
    provider = await startProvider(slack)
    const options = { slack: { slackApiUrl: `${provider.url}/api/`, ...app } }
    server = await startHub([provider], { PLUGBOARD_CHANNEL_OPTIONS: JSON.stringify(options) })
    acme = await createTenant(server, { ...provider, credentials: () => tokenOf('TACME') })
    bistro = await createTenant(server, { ...provider, credentials: () => tokenOf('TBISTRO') })
  })
  afterAll(async () => {
    await Promise.all([acme.bot.close(), bistro.bot.close(), provider.close()])
    await cleanUp()
  })

  const tokenOf = (teamId: string) => ({ teamId, botToken: `xoxb-${teamId}-${randomUUID()}` })
  /** A request of Slack to the URL of the app, from a workspace. */
  const tell = (told: Told, teamId: string, as = app) => acme.tell(from(told, teamId), { as, path })
  const write = (teamId: string, person: number, text: string) =>
    tell(provider.write(person, text, randomUUID()), teamId)
  const textsOf = (tenant: Tenant) => tenant.heard().map(({ payload }) => payload.text)

  test('gives each client what was written in its workspace, once and in order', async () => {
    const texts = [...Array(20).keys()].map(String)
    for (const text of texts) {
      const told = provider.write(1, `acme ${text}`, randomUUID())
      for (let i = 0; i < 2; i += 1) expect((await tell(told, 'TACME')).status).toBe(200)
      expect((await write('TBISTRO', 1, `bistro ${text}`)).status).toBe(200)
    }
    await Promise.all([acme.hears(20), bistro.hears(20)])
    expect(textsOf(acme)).toEqual(texts.map((text) => `acme ${text}`))
    expect(textsOf(bistro)).toEqual(texts.map((text) => `bistro ${text}`))
  })

  test('is answered with the token of the workspace, and its buttons lead back to the client', async () => {
    const question = await bistro.say(2, {
      type: 'single-choice',
      text: 'Table?',
      choices: [{ title: 'Yes', value: 'table:7' }],
    })
    await expect.poll(() => bistro.shownTo(2).length, { timeout: 10_000 }).toBe(1)
    const [before, others] = [bistro.heard().length, acme.heard().length]
    const told = provider.press(2, bistro.shownTo(2)[0] as Sent, 0, randomUUID())
    expect((await tell(told, 'TBISTRO')).status).toBe(200)
    const [pressed] = (await bistro.hears(before + 1)).slice(before)
    expect(pressed?.payload).toMatchObject({ payload: 'table:7', messageId: question })
    expect(acme.heard()).toHaveLength(others)
  })

  test('stores nothing of a workspace that nobody has, or that another app signed', async () => {
    const before = [textsOf(acme), textsOf(bistro)]
    expect((await write('TNOBODY', 1, 'into the void')).status).toBe(200)
    const forged = provider.write(1, 'forged', randomUUID())
    expect((await tell(forged, 'TACME', { signingSecret: 'of-another-app' })).status).toBe(401)
    // The clients' own URLs are those of apps of their own.
    const own = from(provider.write(1, 'to the own URL', randomUUID()), 'TACME')
    expect((await acme.tell(own, { as: app })).status).toBe(401)
    expect((await write('TACME', 1, 'and that was all')).status).toBe(200)
    await acme.hears((before[0]?.length ?? 0) + 1)
    expect([textsOf(acme), textsOf(bistro)]).toEqual([[...(before[0] ?? []), 'and that was all'], before[1]])
  })

  test('verifies the address of the app, and shows it in the setup steps', async () => {
    const body = JSON.stringify({ type: 'url_verification', token: 'old', challenge: '3eZbrw1aB' })
    const challenge = { headers: { 'content-type': 'application/json' }, body }
    expect((await acme.post(challenge, path)).status).toBe(401)
    expect((await acme.tell(challenge, { as: app, path })).json).toEqual({ challenge: '3eZbrw1aB' })
    expect((await acme.health()).setup).toContain(EXTERNAL_URL + path)
  })

  test('gives a workspace to one client only, and only with a token of it', async () => {
    const foreign = await bistro.sync({ teamId: 'TACME', botToken: 'xoxb-TBISTRO-b' })
    expect([foreign.status, foreign.text]).toEqual([409, expect.stringContaining('another client')])
    const without = await bistro.sync({ teamId: 'TELSE', botToken: 'xoxb-TBISTRO-b' })
    expect([without.status, without.text]).toEqual([400, expect.stringContaining('channels.slack.teamId')])
    expect((await write('TBISTRO', 1, 'still mine')).status).toBe(200)
    await expect.poll(() => textsOf(bistro).at(-1), { timeout: 10_000 }).toBe('still mine')
  })
})

/** What Slack tells of a workspace. */
function from({ headers, body }: Told, teamId: string): Told {
  if (body.startsWith('{')) {
    const authorizations = [{ team_id: teamId, user_id: 'U0BOT', is_bot: true, is_enterprise_install: false }]
    return { headers, body: JSON.stringify({ ...JSON.parse(body), team_id: teamId, authorizations }) }
  }
  const payload = JSON.parse(new URLSearchParams(body).get('payload') ?? '{}')
  const told = new URLSearchParams({ payload: JSON.stringify({ ...payload, team: { id: teamId } }) })
  return { headers, body: told.toString() }
}
