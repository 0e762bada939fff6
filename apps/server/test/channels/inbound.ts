import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../support/api.js'
import { createTenant, EXTERNAL_URL, startHub, type Tenant } from '../support/channel-stage.js'
import { type Kind, type Provider, startProvider, type Told } from '../support/providers/provider.js'
import { cleanUp, type TestServer } from '../support/server.js'

/** Cases for the inbound requests of every provider. */
export function inboundBehaviour(kind: Kind): void {
  describe(`inbound requests of ${kind.channel}`, () => {
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
    afterAll(async () => {
      await Promise.all([tenant, neighbour].map(({ bot }) => bot.close()))
      await provider.close()
      await cleanUp()
    })

    test('reaches the bot, whose reply reaches the person', async () => {
      const before = tenant.heard().length
      const { status, text } = await tenant.write(1, 'Is anybody there? 👋')
      expect({ status, text }).toEqual(kind.thanks)
      const [heard] = (await tenant.hears(before + 1)).slice(before)
      expect(heard?.payload).toEqual({ type: 'text', text: 'Is anybody there? 👋' })
      await tenant.say(1, { type: 'text', text: 'Yes: how can I help?' })
      await expect.poll(() => tenant.shownTo(1).map(({ text }) => text)).toEqual(['Yes: how can I help?'])
      expect(neighbour.heard()).toEqual([])
    })

    test('creates one message, however often it is delivered', async () => {
      const told = provider.write(2, 'only once', randomUUID())
      const again = provider.again(told)
      const answers = [
        await tenant.tell(told),
        await tenant.tell(again),
        ...(await Promise.all([tenant.tell(again), tenant.tell(again)])),
      ]
      for (const { status, text } of answers) expect({ status, text }).toEqual(kind.thanks)
      // Word for word, as one would who had listened.
      const recorded = provider.sign(told, tenant.credentials, EXTERNAL_URL + tenant.path)
      for (let i = 0; i < 2; i += 1) expect((await tenant.post(recorded)).status).toBe(kind.thanks.status)
      await tenant.write(2, 'and then')
      await expect.poll(() => textsOf(tenant).filter((text) => text === 'and then')).toHaveLength(1)
      expect(textsOf(tenant).filter((text) => text === 'only once')).toHaveLength(1)
    })

    test('is refused and leaves nothing when it is forged, meant for another, or not what the provider sends', async () => {
      const fresh = await createTenant(server, provider)
      const told = provider.write(3, 'forged', randomUUID())
      const signed = provider.sign(told, fresh.credentials, EXTERNAL_URL + fresh.path)
      const withHeaders = (headers: Record<string, string>): Told => ({ ...signed, headers })
      const ofProvider = Object.keys(signed.headers).filter((name) => !(name in told.headers))
      expect(ofProvider.length).toBeGreaterThan(0)
      const statusOf = async (answer: Promise<{ status: number; text: string }>) => (await answer).status
      expect(await statusOf(fresh.post(told))).toBe(401)
      for (const name of ofProvider) {
        for (const value of ['', 'wrong', `${signed.headers[name]}x`])
          expect(await statusOf(fresh.post(withHeaders({ ...signed.headers, [name]: value })))).toBe(401)
      }
      expect(await statusOf(fresh.tell(told, { as: neighbour.credentials }))).toBe(401)
      for (const body of kind.malformed) expect(await statusOf(fresh.tell(body))).toBe(400)
      const large = provider.write(3, 'x'.repeat(1_100_000), randomUUID())
      expect(await statusOf(fresh.tell(large))).toBe(413)
      for (const path of [
        `/webhooks/v1/${randomUUID()}/${kind.channel}`,
        `/webhooks/v1/nobody/${kind.channel}`,
      ])
        expect(await statusOf(fresh.tell(told, { path }))).toBe(404)
      const none = `/webhooks/v1/${fresh.client.id}/webhook`
      const { status, text } = await call(server, 'POST', none, { body: told.body, headers: told.headers })
      expect([status, text]).toEqual([404, 'Not Found'])
      // What is there now is all that there ever was: it would have come before.
      await fresh.write(4, 'genuine')
      const [heard] = await fresh.hears(1)
      expect(heard?.payload.text).toBe('genuine')
      await expect.poll(() => fresh.bot.ofType('user.new').length).toBe(1)
      const people = fresh.bot.requests.flatMap(({ json: { data } }) => data.userId ?? [])
      expect(new Set(people)).toEqual(new Set([heard?.authorId]))
      const conversation = await fresh.conversationWith(3)
      expect((await fresh.client.call('GET', `/messages/conversation/${conversation}`)).json).toEqual([])
      await fresh.bot.close()
    })

    if (kind.proof !== 'secret')
      test('is refused when it was changed on its way', async () => {
        const told = provider.write(5, 'pay 10', randomUUID())
        const { headers, body } = provider.sign(told, tenant.credentials, EXTERNAL_URL + tenant.path)
        expect((await tenant.post({ headers, body: body.replace(/pay(.)10/, 'pay$11000') })).status).toBe(401)
      })

    if (kind.proof === 'signature of the time')
      test('is refused when it is not of now', async () => {
        const told = provider.write(5, 'an old story', randomUUID())
        for (const minutes of [-6, 6]) {
          const at = new Date(Date.now() + minutes * 60_000)
          expect((await tenant.tell(told, { at })).status).toBe(401)
        }
        await tenant.write(5, 'news')
        await expect.poll(() => textsOf(tenant).includes('news')).toBe(true)
        expect(textsOf(tenant)).not.toContain('an old story')
      })

    test('of a file gives the bot an address of ours, which streams it with the credentials on our side', async () => {
      const before = tenant.heard().length
      const { told, bytes } = provider.send(6, randomUUID(), provider.url)
      expect((await tenant.tell(told)).status).toBe(200)
      const [heard] = (await tenant.hears(before + 1)).slice(before)
      expect(heard?.payload).toMatchObject({ type: 'image', title: 'Look' })
      const url = String(heard?.payload.url)
      expect(url).toMatch(/^https:\/\/hub\.example\/media\/v1\/[\w.-]+$/)
      const local = url.replace(EXTERNAL_URL, server.url)
      const file = await fetch(local)
      expect([file.status, await file.text()]).toEqual([200, bytes])
      expect(file.headers.get('content-disposition')).toMatch(/^attachment/)
      const last = local.length - 10
      const tampered = local.slice(0, last) + (local[last] === 'A' ? 'B' : 'A') + local.slice(last + 1)
      expect((await fetch(tampered)).status).toBe(404)
      await tenant.client.call('DELETE', `/messages/${heard?.id}`)
      expect((await fetch(local)).status).toBe(404)
    })

    test('and all that was done with it leaves no secret in the log, in an answer, or with the bot', async () => {
      const answers = await Promise.all(
        ['/health', `/messages/conversation/${await tenant.conversationWith(1)}`, '/dead-letters'].map(
          async (path) => (await tenant.client.call('GET', path)).text,
        ),
      )
      const told = tenant.bot.requests.map(({ text }) => text)
      const everything = [server.output(), ...answers, ...told].join()
      expect(server.output()).toContain(tenant.path)
      for (const { credentials } of [tenant, neighbour])
        for (const secret of provider.secrets(credentials)) expect(everything).not.toContain(secret)
    })
  })
}

const textsOf = (tenant: Tenant) => tenant.heard().map(({ payload }) => payload.text)
