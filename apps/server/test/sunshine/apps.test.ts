import { newId } from '@plugboard/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, callAdmin, createClient } from '../support/api.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { basic, type Key, newKey, officialClient, refusalOf } from '../support/sunshine.js'

const server = sharedServer()
let account: Key
let api: ReturnType<typeof officialClient>

beforeAll(async () => {
  account = await newKey(server, { scope: 'account' })
  api = officialClient(server, account)
})
afterAll(cleanUp)

/** The operations on this app, with the key of the account. */
const on = (appId: string) => officialClient(server, { ...account, appId })

const createApp = async (body: object = { displayName: 'Shop' }) => (await api.createApp(body)).app

/** An app's own key. */
async function keyOf(appId: string): Promise<Key> {
  const { key } = await on(appId).createAppKey({ displayName: 'bot' })
  return { appId, keyId: key.id, secret: key.secret }
}

const get = (path: string, key = account) =>
  call(server, 'GET', `/v2${path}`, { headers: { authorization: basic(key) } })

describe('an app', () => {
  test('is made with what is known of it, and is found again', async () => {
    const fields = { displayName: 'Shop', metadata: { region: 'eu', size: 2, open: true } }
    const app = await createApp({ ...fields, settings: { echoPostback: true } })
    expect(app).toMatchObject({ ...fields, id: expect.stringMatching(/^[0-9a-f]{24}$/) })
    expect(app.settings).toMatchObject({ echoPostback: true, multiConvoEnabled: true, useAnimalNames: false })
    expect((await on(app.id).getApp()).app).toEqual(app)
  })

  test.each([
    [{}, "should have required property 'displayName'"],
    [{ displayName: '' }, '.displayName should be no shorter than 1 characters'],
    [{ displayName: 'x'.repeat(101) }, '.displayName should be no longer than 100 characters'],
    [
      { displayName: 'x', metadata: { long: 'x'.repeat(4096) } },
      'App metadata is limited to 4096 bytes in size.',
    ],
    [{ displayName: 'x', settings: { useAnimalNames: 'yes' } }, '.settings.useAnimalNames should be boolean'],
  ])('is not made of %j', async (body, title) => {
    expect(await refusalOf(api.createApp(body))).toEqual({ status: 400, code: 'bad_request', title })
  })

  test('is changed in part, and what is not named stays', async () => {
    const { id } = await createApp({ displayName: 'Shop', metadata: { region: 'eu', size: 2 } })
    const app = on(id)
    await app.updateApp({ settings: { maskCreditCardNumbers: true } })
    await app.updateApp({ metadata: { size: null, open: true } })
    const changed = (await app.updateApp({ displayName: 'Store' })).app
    expect(changed).toMatchObject({ displayName: 'Store', metadata: { region: 'eu', open: true } })
    expect(changed.settings).toMatchObject({ maskCreditCardNumbers: true, multiConvoEnabled: true })
    expect((await app.getApp()).app).toEqual(changed)
  })

  test('keeps its metadata small after each change', async () => {
    const { id } = await createApp({ displayName: 'Shop', metadata: { a: 'x'.repeat(2500) } })
    const { status, title } = await refusalOf(on(id).updateApp({ metadata: { b: 'x'.repeat(2500) } }))
    expect([status, title]).toEqual([400, 'App metadata is limited to 4096 bytes in size.'])
  })

  test('goes on with several conversations for each user', async () => {
    const { id } = await createApp()
    const refusal = await refusalOf(on(id).updateApp({ settings: { multiConvoEnabled: false } }))
    expect(refusal).toMatchObject({ status: 400, code: 'bad_request' })
  })

  test('may be read and changed with its own key', async () => {
    const { id } = await createApp()
    const own = officialClient(server, await keyOf(id))
    expect((await own.getApp()).app.displayName).toBe('Shop')
    expect((await own.updateApp({ displayName: 'Mine' })).app.displayName).toBe('Mine')
  })

  test('is the same client that the Messaging API made', async () => {
    const client = await createClient(server)
    const { json } = await callAdmin(server, 'POST', '/keys', { app: client.id, scope: 'app' })
    const app = officialClient(server, json)
    expect((await app.updateApp({ displayName: 'Old bot' })).app).toMatchObject({ displayName: 'Old bot' })
    const { user } = await app.createUser({})
    expect(user.id).toMatch(/^[0-9a-f]{24}$/)
  })

  test('goes with its keys and all else', async () => {
    const { id } = await createApp()
    const key = await keyOf(id)
    expect(await on(id).deleteApp()).toBe('{}')
    expect(await refusalOf(on(id).getApp())).toEqual({
      ...{ status: 404, code: 'app_not_found', title: 'App not found' },
    })
    expect(await refusalOf(officialClient(server, key).getApp())).toMatchObject({ status: 401 })
    expect(await refusalOf(on(id).deleteApp())).toMatchObject({ status: 404, code: 'app_not_found' })
  })
})

describe('a list of apps', () => {
  test('is walked forward and back in pages of any size, each app once', async () => {
    const made: string[] = []
    for (let i = 0; i < 5; i += 1) made.push((await createApp({ displayName: `No. ${i}` })).id)
    const seen: string[] = []
    let path = '/apps?page[size]=2'
    for (let page: { links: { next?: string } } | undefined; !page || page.links.next; ) {
      const { json } = await get(path)
      seen.push(...json.apps.map(({ id }: { id: string }) => id))
      page = json
      path = json.links.next?.replace(`${server.url}/v2`, '')
    }
    expect(seen.filter((id) => made.includes(id))).toEqual(made)
    const back = await get(`/apps?page[size]=3&page[before]=${made[4]}`)
    expect(back.json.apps.map(({ id }: { id: string }) => id)).toEqual(made.slice(1, 4))
    expect(back.json.meta).toMatchObject({ hasMore: true, beforeCursor: made[1] })
  })

  test('is asked for with the page of the official client', async () => {
    await createApp()
    const { apps, meta } = await api.listApps({ page: { size: 1 } })
    expect([apps.length, meta.hasMore]).toEqual([1, true])
    const rest = await api.listApps({ page: { after: meta.afterCursor } })
    expect(rest.apps.map(({ id }: { id: string }) => id)).not.toContain(apps[0].id)
  })

  test('leaves out what was deleted', async () => {
    const { id } = await createApp()
    await on(id).deleteApp()
    const { apps } = await api.listApps({ page: { after: newId() } })
    expect(apps).toEqual([])
    const { json } = await get(`/apps?page[before]=${newId()}&page[size]=1`)
    expect(json.apps[0].id).not.toBe(id)
  })

  test('refuses wrong pages', async () => {
    for (const query of ['page[size]=0', 'page[after]=x', 'page[size]=101']) {
      const { status, json } = await get(`/apps?${query}`)
      expect([status, json.errors[0].title]).toEqual([400, 'Invalid page query parameters'])
    }
  })
})

describe('the key of an app', () => {
  test('is made, listed and found with its secret, and works', async () => {
    const { id } = await createApp()
    const { key } = await on(id).createAppKey({ displayName: 'bot' })
    expect(key).toMatchObject({ id: expect.stringMatching(/^app_/), displayName: 'bot' })
    expect((await on(id).listAppKeys()).keys).toEqual([key])
    expect((await on(id).getAppKey(key.id)).key).toEqual(key)
    const own = { appId: id, keyId: key.id, secret: key.secret }
    expect((await officialClient(server, own).getApp()).app.id).toBe(id)
  })

  test('works no more once it is deleted', async () => {
    const { id } = await createApp()
    const key = await keyOf(id)
    expect((await get(`/apps/${id}`, key)).status).toBe(200)
    expect(await on(id).deleteAppKey(key.keyId)).toBe('{}')
    expect((await get(`/apps/${id}`, key)).status).toBe(401)
    const refusal = { status: 404, code: 'not_found', title: 'Not found' }
    expect(await refusalOf(on(id).getAppKey(key.keyId))).toEqual(refusal)
    expect(await refusalOf(on(id).deleteAppKey(key.keyId))).toEqual(refusal)
  })

  test('is one of at most ten, however many are requested concurrently', async () => {
    const { id } = await createApp()
    const made = await Promise.allSettled(
      Array.from({ length: 14 }, (_, i) => on(id).createAppKey({ displayName: `key ${i}` })),
    )
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    expect((await on(id).listAppKeys()).keys).toHaveLength(10)
    expect(await refusalOf(on(id).createAppKey({ displayName: 'more' }))).toEqual({
      ...{ status: 400, code: 'bad_request', title: 'at most 10 keys are allowed' },
    })
  })

  test('of another app is treated as unknown', async () => {
    const [mine, theirs] = [await createApp(), await createApp()]
    const key = await keyOf(theirs.id)
    for (const keyId of [key.keyId, `app_${newId()}`, 'app_x', `int_${newId()}`]) {
      expect(await refusalOf(on(mine.id).getAppKey(keyId))).toMatchObject({ status: 404, code: 'not_found' })
    }
  })

  test('needs a name', async () => {
    const { id } = await createApp()
    const { title } = await refusalOf(on(id).createAppKey({}))
    expect(title).toBe("should have required property 'displayName'")
  })
})
