import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTenant, EXTERNAL_URL, startHub, type Tenant } from '../support/channel-stage.js'
import { type Provider, startProvider, type Told } from '../support/providers/provider.js'
import { twilio } from '../support/providers/twilio.js'
import { cleanUp } from '../support/server.js'
import { inboundBehaviour } from './inbound.js'
import { outboundBehaviour } from './outbound.js'

inboundBehaviour(twilio)
outboundBehaviour(twilio)

describe('a number of Twilio', () => {
  let provider: Provider
  let tenant: Tenant
  beforeAll(async () => {
    provider = await startProvider(twilio)
    tenant = await createTenant(await startHub([provider]), provider)
  })
  afterAll(async () => {
    await tenant.bot.close()
    await provider.close()
    await cleanUp()
  })

  const texts = () => tenant.heard().map(({ payload }) => payload)
  const ask = (title: string, value: string) =>
    tenant.say(1, { type: 'single-choice', text: 'Which?', choices: [{ title, value }] })

  test('takes a number for the answer to the newest question alone', async () => {
    await tenant.write(1, '1')
    const size = await tenant.say(1, {
      type: 'single-choice',
      text: 'Size?',
      choices: [
        { title: 'Small', value: 'size-s' },
        { title: 'Large', value: 'size-l' },
      ],
    })
    await expect.poll(() => tenant.shownTo(1)[0]?.text).toBe('Size?\n1. Small\n2. Large')
    await tenant.write(1, '2')
    const color = await ask('Red', 'color-r')
    await tenant.write(1, '2')
    await tenant.write(1, ' 1. ')
    expect((await tenant.hears(4)).map(({ payload }) => payload)).toEqual([
      { type: 'text', text: '1' },
      { type: 'quick_reply', text: 'Large', payload: 'size-l', messageId: size },
      { type: 'text', text: '2' },
      { type: 'quick_reply', text: 'Red', payload: 'color-r', messageId: color },
    ])
    expect(texts()).toHaveLength(4)
  })

  test('says what became of a message, to the bot and in health', async () => {
    const id = await tenant.say(2, { type: 'text', text: 'on its way' })
    await expect.poll(() => tenant.shownTo(2).length).toBe(1)
    const callback = tenant.shownTo(2)[0]?.callback ?? ''
    const [path, query = ''] = callback.split('?')
    expect(path).toBe(EXTERNAL_URL + tenant.path)
    const status = (MessageStatus: string, more: Record<string, string> = {}): Told => ({
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        ...{ MessageSid: `SM${'7'.repeat(32)}`, MessageStatus, To: twilio.addressOf(2) },
        ...{ From: twilio.endpointOf(2).identity, ...more },
      }).toString(),
      query,
    })
    const failed = status('undelivered', { ErrorCode: '30005' })
    for (const told of [status('queued'), status('sent'), status('sent'), failed, failed])
      expect((await tenant.tell(told)).status).toBe(200)
    expect((await tenant.post(failed, `${tenant.path}?${query}`)).status).toBe(401)
    await tenant.bot.until(() => tenant.bot.ofType('conversation.activity').length >= 2)
    await tenant.write(2, 'the end')
    await expect.poll(() => texts().at(-1)?.text).toBe('the end')
    const failure = { kind: 'recipient', message: expect.stringContaining('30005') }
    const activities = tenant.bot.ofType('conversation.activity').map(({ json }) => json.data.activity)
    expect(activities).toEqual([
      { type: 'delivery', messageId: id, status: 'sent' },
      { type: 'delivery', messageId: id, status: 'failed', failure: { ...failure, code: '30005' } },
    ])
    expect(await tenant.health()).toMatchObject({ lastFailure: failure })
    expect(await tenant.delivery(id)).toMatchObject({
      state: 'failed',
      error: failure.message,
      code: '30005',
    })
  })

  test('gets the address of a file that Twilio refuses after it accepted it, once', async () => {
    const image = 'https://media.example/plan.png'
    const id = await tenant.say(3, { type: 'image', image, title: 'The plan' })
    await expect.poll(() => tenant.shownTo(3).length).toBe(1)
    const refused = (index: number, ErrorCode: string): Told => {
      const [, query = ''] = (tenant.shownTo(3)[index]?.callback ?? '').split('?')
      const MessageSid = `MM${String(index).repeat(32)}`
      const fields = { MessageSid, MessageStatus: 'undelivered', ErrorCode, To: twilio.addressOf(3) }
      return {
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ ...fields, From: twilio.endpointOf(3).identity }).toString(),
        query,
      }
    }
    for (let i = 0; i < 3; i += 1) expect((await tenant.tell(refused(0, '30019'))).status).toBe(200)
    await expect.poll(() => tenant.shownTo(3).length).toBe(2)
    expect(tenant.shownTo(3).map(({ text }) => text)).toEqual(['The plan', `The plan\n${image}`])
    expect(await tenant.delivery(id)).toMatchObject({ state: 'delivered' })
    expect((await tenant.tell(refused(1, '63013'))).status).toBe(200)
    const error = expect.stringContaining('63013')
    await expect.poll(() => tenant.delivery(id)).toMatchObject({ state: 'failed', error })
    await tenant.say(3, { type: 'text', text: 'the end' })
    await expect.poll(() => tenant.shownTo(3).length).toBe(3)
    expect(tenant.shownTo(3).at(-1)?.text).toBe('the end')
  })

  test('shows its webhook URL in the setup steps of health', async () => {
    expect((await tenant.health()).setup).toContain(EXTERNAL_URL + tenant.path)
  })
})
