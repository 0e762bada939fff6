import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { objectId } from '../../../../packages/channel-smooch/test/fake-smooch.js'
import { createTenant, EXTERNAL_URL, startHub, type Tenant } from '../support/channel-stage.js'
import { type Provider, startProvider } from '../support/providers/provider.js'
import { smooch, told } from '../support/providers/smooch.js'
import { cleanUp } from '../support/server.js'
import { inboundBehaviour } from './inbound.js'
import { outboundBehaviour } from './outbound.js'

inboundBehaviour(smooch)
outboundBehaviour(smooch)

describe('an app of Sunshine', () => {
  let provider: Provider
  let tenant: Tenant
  beforeAll(async () => {
    provider = await startProvider(smooch)
    tenant = await createTenant(await startHub([provider]), provider)
  })
  afterAll(async () => {
    await tenant.bot.close()
    await provider.close()
    await cleanUp()
  })

  /** The id that Sunshine gave to the message that went to a person. */
  const sentTo = async (person: number, text: string) => {
    const id = await tenant.say(person, { type: 'text', text })
    await expect.poll(async () => (await tenant.delivery(id)).state).toBe('delivered')
    const call = provider.calls.find(({ body }) => body.includes(text))
    const { messages } = JSON.parse(answers.get(call?.body ?? '') ?? '{}') as { messages: { id: string }[] }
    return { id, providerId: messages[0]?.id ?? '' }
  }
  /** Answers of the provider by what was sent. */
  const answers = new Map<string, string>()
  beforeAll(() => {
    const { answer } = smooch
    provider.answerInstead = (sent, call) => {
      if (!sent) return undefined
      const given = answer(call)
      answers.set(call.body, given.body ?? '')
      return given
    }
  })

  test('says what became of a message, by the id that Sunshine gave it', async () => {
    const { id, providerId } = await sentTo(1, 'on its way')
    const status = (name: string, more = {}) =>
      tenant.tell(
        told(1, randomUUID(), `conversation:message:delivery:${name}`, {
          message: { id: providerId },
          ...more,
        }),
      )
    expect((await status('channel')).status).toBe(200)
    expect((await status('user')).status).toBe(200)
    await tenant.bot.until(() => tenant.bot.ofType('conversation.activity').length >= 2)
    const activities = tenant.bot.ofType('conversation.activity').map(({ json }) => json.data.activity)
    expect(activities).toEqual([
      { type: 'delivery', messageId: id, status: 'sent' },
      { type: 'delivery', messageId: id, status: 'delivered' },
    ])
    await status('failure', { error: { code: 'bad_request', underlyingError: { code: 131053 } } })
    await expect.poll(() => tenant.delivery(id)).toMatchObject({ state: 'failed', code: '131053' })
  })

  test('says nothing of the message of another program', async () => {
    const { id } = await sentTo(2, 'mine')
    const before = tenant.bot.ofType('conversation.activity').length
    const message = { id: objectId('of another program') }
    await tenant.tell(told(2, randomUUID(), 'conversation:message:delivery:failure', { message }))
    await tenant.write(2, 'the end')
    await expect.poll(() => tenant.heard().some(({ payload }) => payload.text === 'the end')).toBe(true)
    expect(await tenant.delivery(id)).toMatchObject({ state: 'delivered' })
    expect(tenant.bot.ofType('conversation.activity')).toHaveLength(before)
  })

  test('makes one user of two who are one person, and goes on in the conversation that stays', async () => {
    const before = tenant.heard().length
    await tenant.write(3, 'from a phone')
    await tenant.write(4, 'from a browser')
    const [phone, browser] = (await tenant.hears(before + 2)).slice(before)
    expect(browser?.authorId).not.toBe(phone?.authorId)
    const of = (person: number) => ({
      user: { id: smooch.endpointOf(person).sender },
      conversation: { id: smooch.addressOf(person) },
    })
    await tenant.tell(
      told(3, randomUUID(), 'user:merge', {
        mergedUsers: { surviving: of(3).user, discarded: of(4).user },
        mergedConversations: { surviving: of(3).conversation, discarded: of(4).conversation },
        reason: 'channelLinking',
      }),
    )
    await tenant.write(3, 'who am I?')
    const again = (await tenant.hears(before + 3)).at(-1)
    await tenant.bot.until(() => tenant.bot.ofType('user.merged').length === 1)
    expect(again?.authorId).toBe(phone?.authorId)
    expect(tenant.bot.ofType('user.merged')[0]?.json.data).toMatchObject({
      userId: phone?.authorId,
      mergedUserId: browser?.authorId,
    })
  })

  test('removes a message that was deleted', async () => {
    const { id, providerId } = await sentTo(5, 'a slip')
    await tenant.client.call('DELETE', `/messages/${id}`)
    const path = `/conversations/${smooch.addressOf(5)}/messages/${providerId}`
    const removed = () =>
      provider.calls.filter((call) => call.method === 'DELETE' && call.path.endsWith(path))
    await expect.poll(() => removed().length).toBe(1)
  })

  test('shows its webhook URL in the setup steps of health', async () => {
    expect((await tenant.health()).setup).toContain(EXTERNAL_URL + tenant.path)
  })
})
