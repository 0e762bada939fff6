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
