import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { handshakeUrl, signedHeaders } from '../../../../packages/channel-whatsapp/test/whatsapp-requests.js'
import { call } from '../support/api.js'
import { createTenant, EXTERNAL_URL, startHub, type Tenant } from '../support/channel-stage.js'
import { type Provider, startProvider, type Told } from '../support/providers/provider.js'
import {
  bodyFor,
  messageOf,
  numberOf,
  state,
  toldOf,
  userIdOf,
  whatsapp,
} from '../support/providers/whatsapp.js'
import { cleanUp, type TestServer } from '../support/server.js'
import { inboundBehaviour } from './inbound.js'
import { outboundBehaviour } from './outbound.js'

inboundBehaviour(whatsapp)
outboundBehaviour(whatsapp)

const operator = { appSecret: 'secret-of-the-operator', verifyToken: 'verify-token-of-the-operator' }
const sharedPath = '/webhooks/v1/whatsapp'

describe('a number of WhatsApp', () => {
  let provider: Provider
  let server: TestServer
  let tenant: Tenant
  beforeAll(async () => {
    provider = await startProvider(whatsapp)
    const options = { whatsapp: { graphUrl: provider.url, ...operator } }
    server = await startHub([provider], { PLUGBOARD_CHANNEL_OPTIONS: JSON.stringify(options) })
    tenant = await createTenant(server, provider)
  })
  afterAll(async () => {
    await tenant.bot.close()
    await provider.close()
    await cleanUp()
  })

  const idOf = (own: Tenant) => own.credentials.phoneNumberId ?? ''
  const statusOf = (
    sent: { callback?: string; to: string } | undefined,
    status: string,
    code?: number,
  ): Told =>
    toldOf({
      statuses: [
        {
          ...{ id: 'wamid.status', status, timestamp: '1750263773', recipient_id: sent?.to },
          biz_opaque_callback_data: sent?.callback,
          ...(code !== undefined && { errors: [{ code, title: 'failed' }] }),
        },
      ],
    })

  test('is set up: its events come to its own address, which answers the handshake', async () => {
    expect(state.webhooks.get(idOf(tenant))).toBe(EXTERNAL_URL + tenant.path)
    const url = handshakeUrl(server.url + tenant.path, tenant.credentials.verifyToken ?? '', '42')
    const answer = await fetch(url)
    expect([answer.status, await answer.text()]).toEqual([200, '42'])
    expect((await fetch(handshakeUrl(server.url + tenant.path, 'wrong'))).status).toBe(401)
    expect((await tenant.health()).setup).toContain(EXTERNAL_URL + sharedPath)
  })

  test('says what became of a message, to the bot and in health', async () => {
    const id = await tenant.say(2, { type: 'text', text: 'on its way' })
    await expect.poll(() => tenant.shownTo(2).length).toBe(1)
    const [sent] = tenant.shownTo(2)
    const failed = statusOf(sent, 'failed', 131026)
    for (const told of [
      statusOf(sent, 'sent'),
      statusOf(sent, 'sent'),
      statusOf(sent, 'read'),
      failed,
      failed,
    ])
      expect((await tenant.tell(told)).status).toBe(200)
    await tenant.bot.until(() => tenant.bot.ofType('conversation.activity').length >= 3)
    const activities = tenant.bot.ofType('conversation.activity').map(({ json }) => json.data.activity)
    expect(activities).toMatchObject([
      { type: 'delivery', messageId: id, status: 'sent' },
      { type: 'delivery', messageId: id, status: 'read' },
      { type: 'delivery', messageId: id, status: 'failed', failure: { kind: 'recipient', code: '131026' } },
    ])
    expect(await tenant.delivery(id)).toMatchObject({ state: 'failed', code: '131026' })
  })

  test('gets the address of a file that WhatsApp refuses after it accepted it, once', async () => {
    const image = 'http://127.0.0.1:9/plan.png'
    const id = await tenant.say(3, { type: 'image', image, title: 'The plan' })
    await expect.poll(() => tenant.shownTo(3).length).toBe(1)
    const refused = statusOf(tenant.shownTo(3)[0], 'failed', 131053)
    for (let i = 0; i < 2; i += 1) expect((await tenant.tell(refused)).status).toBe(200)
    await expect.poll(() => tenant.shownTo(3).length).toBe(2)
    expect(tenant.shownTo(3).map(({ text }) => text)).toEqual(['The plan', `The plan\n${image}`])
    expect(await tenant.delivery(id)).toMatchObject({ state: 'delivered' })
  })

  test('knows a person whose number is hidden from then on, and replies to the id', async () => {
    const { id, timestamp } = { id: 'wamid.hidden', timestamp: '1750263773' }
    await tenant.write(4, 'with a number')
    const hidden = { id, timestamp, from_user_id: userIdOf(4), type: 'text', text: { body: 'without' } }
    await tenant.tell(toldOf({ messages: [hidden] }))
    await expect.poll(() => tenant.heard().map(({ payload }) => payload.text)).toContain('without')
    const [first, second] = tenant.heard().filter(({ payload }) => /^with/.test(payload.text ?? ''))
    expect(second?.authorId).toBe(first?.authorId)
    await tenant.say(4, { type: 'text', text: 'to the id' })
    await expect.poll(() => provider.shown.find(({ text }) => text === 'to the id')?.to).toBe(userIdOf(4))
  })

  test('follows a person to another number', async () => {
    await tenant.write(5, 'old number')
    const conversationId = await tenant.conversationWith(5)
    const system = {
      ...{ type: 'user_changed_number', wa_id: numberOf(55) },
      ...{ previous_user_id: userIdOf(5), user_id: userIdOf(55) },
    }
    const { body, headers } = messageOf(5, 'changed', 'system', { system })
    expect((await tenant.tell({ body, headers })).status).toBe(200)
    const payload = { type: 'text', text: 'to the new number' }
    await tenant.client.call('POST', '/messages', { conversationId, payload })
    const sentTo = () => provider.shown.find(({ text }) => text === 'to the new number')?.to
    await expect.poll(sentTo).toBe(numberOf(55))
  })

  test('says which message of the bot a person reacted to', async () => {
    await tenant.write(9, 'hello')
    const messageId = await tenant.say(9, { type: 'text', text: 'Do you like it?' })
    await expect.poll(() => tenant.shownTo(9).length).toBe(1)
    const sent = state.messages.find(({ to, by }) => to === numberOf(9) && by === idOf(tenant))
    const reaction = { message_id: sent?.id, emoji: '👍' }
    await expect.poll(async () => (await tenant.delivery(messageId)).state).toBe('delivered')
    expect((await tenant.tell(messageOf(9, 'reaction', 'reaction', { reaction }))).status).toBe(200)
    const activities = () => tenant.bot.ofType('conversation.activity').map(({ json }) => json.data.activity)
    await expect.poll(activities).toContainEqual({ type: 'reaction', messageId, emoji: '👍', removed: false })
  })

  test('shows that the bot is typing, and has read, once the person has written', async () => {
    await tenant.write(6, 'hello', 'to-read')
    await expect.poll(() => tenant.heard().some(({ payload }) => payload.text === 'hello')).toBe(true)
    await tenant.say(6, { type: 'text', text: 'well', typing: true, delay: 100 })
    await expect.poll(() => state.reads).toContainEqual({ id: 'wamid.to-read', isTyping: true })
  })

  test('of the operator’s app gets its events from the one address of all numbers', async () => {
    const make = async () => {
      const { appSecret, verifyToken, ...own } = whatsapp.credentials()
      return createTenant(server, { ...provider, credentials: () => own })
    }
    const [one, two] = [await make(), await make()]
    expect(state.webhooks.has(idOf(one))).toBe(false)
    const textFor = (own: Tenant, text: string) =>
      JSON.parse(bodyFor(messageOf(7, `shared-${text}`, 'text', { text: { body: text } }), idOf(own)))
    const both = textFor(one, 'for one')
    both.entry.push(...textFor(two, 'for two').entry)
    const body = JSON.stringify(both)
    const post = (secret: string) =>
      call(server, 'POST', sharedPath, { body, headers: signedHeaders(body, secret) })
    expect((await post('another secret')).status).toBe(401)
    expect((await post(operator.appSecret)).status).toBe(200)
    for (const [own, text] of [
      [one, 'for one'],
      [two, 'for two'],
    ] as const)
      expect((await own.hears(1)).map(({ payload }) => payload.text)).toEqual([text])
    const shake = await fetch(handshakeUrl(server.url + sharedPath, operator.verifyToken, '7'))
    expect([shake.status, await shake.text()]).toEqual([200, '7'])
    expect(
      (await one.tell(whatsapp.write(7, 'unsigned', 'x'), { as: { ...one.credentials, appSecret: '' } }))
        .status,
    ).toBe(401)
    for (const own of [one, two]) await own.bot.close()
  })

  test('later than 24 hours after the person wrote, sends templates alone', async () => {
    const at = Math.floor(Date.now() / 1000) - 25 * 3600
    const { body } = messageOf(8, 'old', 'text', { text: { body: 'a day ago' } })
    const old = body.replace(/"timestamp":"\d+"/, `"timestamp":"${at}"`)
    await tenant.tell({ headers: { 'content-type': 'application/json' }, body: old })
    const late = await tenant.say(8, { type: 'text', text: 'too late' })
    await expect.poll(async () => (await tenant.delivery(late)).state).toBe('dead')
    const template = await tenant.say(8, { type: 'template', name: 'order_update', language: 'de' })
    await expect.poll(async () => (await tenant.delivery(template)).state).toBe('delivered')
    expect(tenant.shownTo(8)).toHaveLength(1)
  })
})
