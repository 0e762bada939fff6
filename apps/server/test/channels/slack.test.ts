import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTenant, EXTERNAL_URL, startHub, type Tenant } from '../support/channel-stage.js'
import { type Provider, startProvider, type Told } from '../support/providers/provider.js'
import { slack } from '../support/providers/slack.js'
import { cleanUp } from '../support/server.js'
import { inboundBehaviour } from './inbound.js'
import { outboundBehaviour } from './outbound.js'

inboundBehaviour(slack)
outboundBehaviour(slack)

describe('an app of Slack', () => {
  let provider: Provider
  let tenant: Tenant
  beforeAll(async () => {
    provider = await startProvider(slack)
    tenant = await createTenant(await startHub([provider]), provider)
  })
  afterAll(async () => {
    await tenant.bot.close()
    await provider.close()
    await cleanUp()
  })

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
})
