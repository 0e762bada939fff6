import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Taken, uuid } from '../../../../packages/channel-vonage/test/fake-vonage.js'
import { inboundMessage, statusWebhook } from '../../../../packages/channel-vonage/test/vonage-requests.js'
import { createTenant, EXTERNAL_URL, startHub, type Tenant } from '../support/channel-stage.js'
import { type Provider, startProvider, type Told } from '../support/providers/provider.js'
import { vonage } from '../support/providers/vonage.js'
import { cleanUp } from '../support/server.js'
import { inboundBehaviour } from './inbound.js'
import { outboundBehaviour } from './outbound.js'

inboundBehaviour(vonage)
outboundBehaviour(vonage)

describe('an account of Vonage', () => {
  let provider: Provider
  let tenant: Tenant
  beforeAll(async () => {
    provider = await startProvider(vonage)
    tenant = await createTenant(await startHub([provider]), provider)
  })
  afterAll(async () => {
    await tenant.bot.close()
    await provider.close()
    await cleanUp()
  })

  const OURS = vonage.endpointOf(1).identity
  /** A person writes. */
  const tell = (fields: object) => {
    const { headers, body } = inboundMessage({
      ...{ message_uuid: uuid(randomUUID()), to: OURS, timestamp: new Date().toISOString(), ...fields },
    })
    return tenant.tell({ headers: headers as Told['headers'], body: Buffer.from(body).toString() })
  }
  /** The messages that went to an address. */
  const sentTo = (to: string) =>
    provider.calls
      .filter(({ method, path }) => method === 'POST' && path === '/v1/messages')
      .map(({ body }) => JSON.parse(body) as Taken & { text?: string })
      .filter((message) => message.to === to)
  const answer = async (payload: object, count: number) => {
    const heard = (await tenant.hears(count)).at(-1)
    const { json } = await tenant.client.call('GET', `/messages/${heard?.id}`)
    const { conversationId } = json
    return (await tenant.client.call('POST', '/messages', { conversationId, payload })).json.id as string
  }

  test('has buttons on WhatsApp and numbered lines by SMS, and hears the same from both', async () => {
    const question = {
      ...{ type: 'single-choice', text: 'Size?' },
      choices: [
        { title: 'Small', value: 'size-s' },
        { title: 'Large', value: 'size-l' },
      ],
    }
    await tell({ channel: 'sms', from: '447700900001', text: 'by SMS' })
    const messageId = await answer(question, 1)
    await expect
      .poll(() => sentTo('447700900001'))
      .toMatchObject([{ channel: 'sms', from: OURS, text: 'Size?\n1. Small\n2. Large' }])
    await tell({ channel: 'sms', from: '447700900001', text: '2' })
    const large = { type: 'quick_reply', text: 'Large', payload: 'size-l' }
    expect((await tenant.hears(2)).at(-1)?.payload).toEqual({ ...large, messageId })
    // The same number on WhatsApp is another conversation.
    await tell({ from: '447700900001', text: 'on WhatsApp' })
    await answer(question, 3)
    await expect.poll(() => sentTo('447700900001').length).toBe(2)
    const { custom } = sentTo('447700900001')[1] as unknown as {
      custom: { interactive: { action: { buttons: { reply: { id: string } }[] } } }
    }
    const id = custom.interactive.action.buttons[1]?.reply.id
    await tell({ from: '447700900001', message_type: 'reply', reply: { id, title: 'Large' } })
    expect((await tenant.hears(4)).at(-1)?.payload).toMatchObject(large)
  })

  test('says what became of a message, to the bot and in health', async () => {
    const id = await tenant.say(2, { type: 'text', text: 'on its way' })
    await expect.poll(() => sentTo(vonage.addressOf(2)).length).toBe(1)
    const [sent] = sentTo(vonage.addressOf(2))
    expect(sent?.webhook_url).toBe(EXTERNAL_URL + tenant.path)
    const status = (name: string, code?: string): Told => {
      const { headers, body } = statusWebhook({ ...(sent as Taken), message_uuid: uuid('sent') }, name, code)
      return { headers: headers as Told['headers'], body: Buffer.from(body).toString() }
    }
    for (const told of [status('submitted'), status('submitted'), status('delivered'), status('read')])
      expect((await tenant.tell(told)).status).toBe(200)
    await tenant.bot.until(() => tenant.bot.ofType('conversation.activity').length >= 3)
    const activities = tenant.bot.ofType('conversation.activity').map(({ json }) => json.data.activity)
    expect(activities).toMatchObject(
      ['sent', 'delivered', 'read'].map((status) => ({ messageId: id, status })),
    )
    expect(await tenant.delivery(id)).toMatchObject({ state: 'delivered' })
  })

  test('shows in the deliveries that a message was rejected later, with the code of Vonage', async () => {
    const id = await tenant.say(3, { type: 'text', text: 'on its way' })
    await expect.poll(() => sentTo(vonage.addressOf(3)).length).toBe(1)
    const message = { ...(sentTo(vonage.addressOf(3))[0] as Taken), message_uuid: uuid('rejected') }
    const { headers, body } = statusWebhook(message, 'rejected', '1240')
    await tenant.tell({ headers: headers as Told['headers'], body: Buffer.from(body).toString() })
    const error = expect.stringContaining('opted out')
    await expect.poll(() => tenant.delivery(id)).toMatchObject({ state: 'failed', error, code: '1240' })
  })

  test('sends the address of a file that Vonage rejects after it accepted it, once', async () => {
    const image = 'https://media.example/plan.png'
    const id = await tenant.say(4, { type: 'image', image, title: 'The plan' })
    await expect.poll(() => sentTo(vonage.addressOf(4)).length).toBe(1)
    const message = { ...(sentTo(vonage.addressOf(4))[0] as Taken), message_uuid: uuid('file') }
    const { headers, body } = statusWebhook(message, 'rejected', '1380')
    const told = { headers: headers as Told['headers'], body: Buffer.from(body).toString() }
    for (let i = 0; i < 3; i += 1) expect((await tenant.tell(told)).status).toBe(200)
    await expect.poll(() => sentTo(vonage.addressOf(4)).length).toBe(2)
    expect(sentTo(vonage.addressOf(4))[1]).toMatchObject({ message_type: 'text', text: `The plan\n${image}` })
    expect(await tenant.delivery(id)).toMatchObject({ state: 'delivered' })
  })

  test('knows a person by the number and by the id, and answers where the person wrote from', async () => {
    const user_id = 'US.13491208655302741918'
    const before = tenant.heard().length
    await tell({
      from: '447700900077',
      text: 'one',
      whatsapp: { sender: { user_id, wa_id: '447700900077' } },
    })
    await tell({ from: user_id, text: 'two', whatsapp: { sender: { user_id } } })
    const [one, two] = (await tenant.hears(before + 2)).slice(before)
    expect(two?.authorId).toBe(one?.authorId)
    await answer({ type: 'text', text: 'three' }, before + 2)
    await expect.poll(() => sentTo(user_id).map(({ text }) => text)).toEqual(['three'])
  })

  test('does not try to reply on WhatsApp a day after the person wrote, and says why', async () => {
    const timestamp = new Date(Date.now() - 25 * 3_600_000).toISOString()
    const before = tenant.heard().length
    await tell({ from: '447700900088', text: 'yesterday', timestamp })
    const id = await answer({ type: 'text', text: 'too late' }, before + 1)
    await expect.poll(() => tenant.delivery(id)).toMatchObject({ state: 'dead' })
    expect((await tenant.delivery(id)).error).toMatch(/templates that WhatsApp has approved/)
    expect(sentTo('447700900088')).toEqual([])
  })

  test('has one address for messages and statuses in the setup steps of health', async () => {
    expect((await tenant.health()).setup).toContain(EXTERNAL_URL + tenant.path)
  })
})
