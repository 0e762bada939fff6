import { randomUUID } from 'node:crypto'
import { contentSamples } from '@plugboard/core/testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createTenant, startHub, type Tenant } from '../support/channel-stage.js'
import {
  callWith,
  type Kind,
  type Provider,
  type Sent,
  startProvider,
} from '../support/providers/provider.js'
import { cleanUp, type TestServer } from '../support/server.js'

const PATIENT = { timeout: 20_000 }
const text = (text: string) => ({ type: 'text', text })
const choices = [
  { title: 'Small', value: 'size-s' },
  { title: 'Large', value: 'size-l' },
]

/** Cases for the deliveries to every provider. */
export function outboundBehaviour(kind: Kind): void {
  describe(`what goes to ${kind.channel}`, () => {
    let provider: Provider
    let server: TestServer
    let tenant: Tenant
    let neighbour: Tenant
    beforeAll(async () => {
      provider = await startProvider(kind)
      server = await startHub([provider])
      tenant = await createTenant(server, provider)
      neighbour = await createTenant(server, provider)
    })
    afterEach(() => {
      provider.answerInstead = () => undefined
      provider.failWith()
    })
    afterAll(async () => {
      await Promise.all([tenant, neighbour].map(({ bot }) => bot.close()))
      await provider.close()
      await cleanUp()
    })

    /** Answers so to what the tenant sends to this person, as long as the answers last. */
    const answerTo = (person: number, ...answers: (keyof typeof answerOf)[]) => {
      provider.answerInstead = (sent) => {
        const next = sent && isFor(sent, person) ? answers.shift() : undefined
        return next && answerOf[next]
      }
    }
    const answerOf = {
      'wait 2 s': kind.refusals.limited(2),
      wait: kind.refusals.limited(0),
      blocked: kind.refusals.blocked,
      broken: kind.refusals.broken,
    }
    const isFor = ({ by, to }: Sent, person: number) =>
      by === tenant.credentials[kind.fields.account] && to === kind.addressOf(person)
    const stateOf = async (id: string) => (await tenant.delivery(id)).state
    const arrives = (id: string) => expect.poll(() => stateOf(id), PATIENT).toBe('delivered')

    test('is taken by the provider, whatever its type', async () => {
      // A template without a text is refused.
      const samples = contentSamples.filter((content) => content.type !== 'template' || 'text' in content)
      const ids = await Promise.all(samples.map((content, i) => tenant.say(100 + i, content)))
      for (const [i, id] of ids.entries()) {
        await arrives(id)
        expect(tenant.shownTo(100 + i).length, samples[i]?.type).toBeGreaterThan(0)
      }
      expect(provider.refused).toEqual([])
    })

    test('has buttons that say nothing to the provider, and come back as what stands behind them', async () => {
      const questionId = await tenant.say(10, { type: 'single-choice', text: 'Size?', choices })
      await expect.poll(() => tenant.shownTo(10).length, PATIENT).toBe(1)
      const question = tenant.shownTo(10)[0] as Sent
      expect((await tenant.tell(provider.press(10, question, 1, randomUUID()))).status).toBe(200)
      const actions = [
        { action: 'Say something', title: 'Say', text: 'said' },
        { action: 'Postback', title: 'Post', payload: 'posted' },
        { action: 'Open URL', title: 'Open', url: 'https://shop.example/' },
      ]
      const cardId = await tenant.say(11, { type: 'card', title: 'Card', actions })
      await expect.poll(() => tenant.shownTo(11).length, PATIENT).toBe(1)
      const card = tenant.shownTo(11)[0] as Sent
      for (const index of [0, 1]) await tenant.tell(provider.press(11, card, index, randomUUID()))
      expect((await tenant.hears(3)).map(({ payload }) => payload)).toEqual([
        { type: 'quick_reply', text: 'Large', payload: 'size-l', messageId: questionId },
        { type: 'say_something', text: 'said', messageId: cardId },
        { type: 'postback', payload: 'posted', messageId: cardId },
      ])
      expect(provider.calls.map(({ body }) => body).join()).not.toMatch(/size-|posted/)
      for (const { token } of [...question.buttons, ...card.buttons]) expect(token).toMatch(/^[\w-]{40}$/)
    })

    if (kind.forge)
      test('marks the value of a button that is not its own, or not that person’s, as foreign', async () => {
        const before = tenant.heard().length
        const label = 'Large'
        const [{ token = '' } = {}] = (tenant.shownTo(10)[0] as Sent).buttons
        const forged = [
          [10, { label, token: 'A'.repeat(40) }],
          [10, { label, token: 'size-l' }],
          [12, { label, token }],
        ] as const
        for (const [person, button] of forged) {
          const told = provider.forge?.(person, button, randomUUID())
          expect(told && (await tenant.tell(told)).status).toBe(200)
        }
        const heard = (await tenant.hears(before + forged.length)).slice(before)
        expect(heard.map(({ payload }) => payload)).toMatchObject(
          forged.map(([, { token }]) => ({
            type: 'quick_reply',
            text: label,
            payload: token,
            foreign: true,
          })),
        )
      })

    test('waits as the provider asks, spends no attempt by it, and keeps nobody else waiting', async () => {
      answerTo(20, 'wait 2 s', 'wait', 'wait', 'wait', 'wait')
      const id = await tenant.say(20, text('limited'))
      await expect.poll(() => tenant.triedAt(20).length).toBe(1)
      const others: [Tenant, number][] = [
        [neighbour, 20],
        ...(kind.limits === 'person' ? [[tenant, 21] as [Tenant, number]] : []),
      ]
      for (const [other, person] of others) {
        await other.say(person, text('not limited'))
        await expect.poll(() => other.shownTo(person).length).toBe(1)
      }
      expect(tenant.triedAt(20)).toHaveLength(1)
      await arrives(id)
      expect(tenant.shownTo(20)).toHaveLength(1)
      const [first, second, ...rest] = tenant.triedAt(20)
      expect(rest).toHaveLength(4)
      expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(1900)
    })

    test('comes three at once when it is three replies in a row', async () => {
      const ids = []
      for (const reply of ['one', 'two', 'three']) ids.push(await tenant.say(25, text(reply)))
      for (const id of ids) await arrives(id)
      const shown = tenant.shownTo(25)
      expect(shown.map((sent) => sent.text)).toEqual(['one', 'two', 'three'])
      // At one a second, the third would come two seconds after the first.
      expect((shown[2]?.at ?? 0) - (shown[0]?.at ?? 0)).toBeLessThan(1900)
    })

    test('is sent again word for word when nobody knows whether it arrived', async () => {
      answerTo(30, 'broken')
      await arrives(await tenant.say(30, text('perhaps')))
      provider.failWith('lost-answer')
      const lost = callWith((call) => kind.sentBy(call)?.text === 'perhaps not', provider).then(() =>
        provider.failWith(),
      )
      const id = await tenant.say(31, text('perhaps not'))
      await lost
      await arrives(id)
      for (const [person, times] of [
        [30, 1],
        [31, 1],
      ] as const)
        expect(tenant.shownTo(person)).toHaveLength(times)
      for (const said of ['perhaps', 'perhaps not']) {
        const bodies = provider.calls
          .filter((call) => kind.sentBy(call)?.text === said)
          .map(({ body }) => body)
        // With the same ids: the status callback URL for Twilio contains the delivery id.
        expect([bodies.length, new Set(bodies).size]).toEqual([2, 1])
      }
    })

    test('fails immediately for a person who blocks the bot, and delays nobody else', async () => {
      answerTo(40, 'blocked')
      const id = await tenant.say(40, text('unwanted'))
      await expect.poll(() => stateOf(id)).toBe('dead')
      expect(tenant.triedAt(40)).toHaveLength(1)
      const next = await Promise.all([tenant.say(40, text('wanted again')), tenant.say(41, text('wanted'))])
      for (const id of next) await arrives(id)
      expect(tenant.shownTo(40).map(({ text }) => text)).toEqual(['wanted again'])
      const { deadLetters } = (await tenant.client.call('GET', '/dead-letters')).json
      expect(deadLetters).toMatchObject([{ reason: 'recipient', attempts: 1 }])
    })

    test('in several parts goes on with the part that failed', async () => {
      const title = (i: number) => `Card ${i + 1}.`
      const items = Array.from({ length: kind.cards }, (_, i) => ({
        ...{ title: title(i), subtitle: 'x'.repeat(400), actions: [] },
      }))
      const isLast = ({ text }: Sent) => text.includes(title(kind.cards - 1))
      let failures = 2
      provider.answerInstead = (sent) =>
        sent && isFor(sent, 50) && isLast(sent) && failures-- > 0 ? kind.refusals.broken : undefined
      await arrives(await tenant.say(50, { type: 'carousel', items }))
      const tried = tenant.triedAt(50)
      const earlier = tried.filter((sent) => !isLast(sent))
      expect(earlier.length).toBeGreaterThan(0)
      expect(new Set(earlier.map(({ text }) => text)).size).toBe(earlier.length)
      expect(tried.filter(isLast)).toHaveLength(3)
      const shown = tenant.shownTo(50).map(({ text }) => text)
      for (const { title } of items) expect(shown.filter((text) => text.includes(title))).toHaveLength(1)
    })

    test('waits while the credentials are refused, and goes on at the next sync', async () => {
      const own = await createTenant(server, provider)
      const isOwn = (sent?: Sent) => sent?.by === own.credentials[kind.fields.account]
      provider.answerInstead = (sent) => (isOwn(sent) ? kind.refusals.unauthorized : undefined)
      const id = await own.say(60, text('patience'))
      await expect.poll(async () => (await own.health()).status).toBe('paused')
      expect((await own.health()).reason).toMatch(/./)
      await own.say(61, text('as well'))
      const other = await neighbour.say(60, text('not paused'))
      await expect.poll(async () => (await neighbour.delivery(other)).state).toBe('delivered')
      expect([own.triedAt(60).length, own.triedAt(61).length]).toEqual([1, 0])
      expect((await own.delivery(id)).state).not.toBe('dead')
      provider.answerInstead = () => undefined
      expect((await own.sync()).status).toBe(200)
      await expect.poll(async () => (await own.health()).status).toBe('active')
      await expect.poll(() => [own.shownTo(60).length, own.shownTo(61).length], PATIENT).toEqual([1, 1])
      await own.bot.close()
    })

    test('leaves no secret in the log, or in an answer', async () => {
      const paths = ['/health', '/dead-letters']
      const answers = await Promise.all(
        paths.map(async (path) => (await tenant.client.call('GET', path)).text),
      )
      expect(server.output()).toContain('/api/v1/messages')
      for (const secret of provider.secrets(tenant.credentials))
        expect([server.output(), ...answers].join()).not.toContain(secret)
    })
  })
}
