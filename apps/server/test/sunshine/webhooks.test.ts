import { newId } from '@plugboard/core'
import { describe, expect, test } from 'vitest'
import { officialClient, refusalOf } from '../support/sunshine.js'
import { useSunshine } from './stage.js'

// A new app for each test, since there may be ten webhooks in one.
const stage = useSunshine()
const { api, newApp } = stage

const target = 'http://127.0.0.1:9/sunshine'
const oneWebhook = { target, triggers: ['conversation:message'] }
const custom = async () =>
  (await api.createIntegration({ type: 'custom', displayName: 'CRM', webhooks: [oneWebhook] })).integration
const unknown = { status: 404, code: 'integration_not_found', title: 'Integration not found' }

describe('the webhook of an integration', () => {
  test('is made, changed in part, listed and deleted', async () => {
    await newApp()
    const { id } = await custom()
    const body = { target, triggers: ['conversation:read', 'passthrough:messaging'], includeFullUser: true }
    const { webhook } = await api.createWebhook(id, body)
    expect(webhook).toMatchObject({ ...body, includeFullSource: false, version: 'v2' })
    expect((await api.getWebhook(id, webhook.id)).webhook).toEqual(webhook)
    const changed = await api.updateWebhook(id, webhook.id, { includeFullSource: true })
    expect(changed.webhook).toEqual({ ...webhook, includeFullSource: true })
    const moved = await api.updateWebhook(id, webhook.id, {
      target: `${target}/2`,
      triggers: ['user:remove'],
    })
    expect(moved.webhook).toMatchObject({
      target: `${target}/2`,
      triggers: ['user:remove'],
      secret: webhook.secret,
    })
    expect((await api.listWebhooks(id)).webhooks).toHaveLength(2)
    expect(await api.deleteWebhook(id, webhook.id)).toBe('{}')
    expect(await refusalOf(api.getWebhook(id, webhook.id))).toMatchObject({ status: 404, code: 'not_found' })
  })

  test.each([
    [{ triggers: ['conversation:message'] }, "should have required property 'target'"],
    [{ target }, "should have required property 'triggers'"],
    [{ target, triggers: ['message:new'] }, 'triggers should be names of events'],
    [{ target: 'nonsense', triggers: ['conversation:message'] }, 'target should be an http or https URL'],
    [{ target: 'http://10.0.0.1/', triggers: ['conversation:message'] }, /^target .*ALLOW_PRIVATE_TARGETS/],
  ])('is not made of %j', async (body, title) => {
    await newApp()
    const { id } = await custom()
    const refusal = await refusalOf(api.createWebhook(id, body))
    expect(refusal).toMatchObject({ status: 400, code: 'bad_request' })
    expect(refusal.title).toMatch(title)
  })

  test('is one of ten at most in an app', async () => {
    await newApp()
    const [one, other] = [await custom(), await custom()]
    for (let i = 0; i < 8; i += 1) await api.createWebhook(i % 2 ? one.id : other.id, oneWebhook)
    const refusal = await refusalOf(api.createWebhook(one.id, oneWebhook))
    expect(refusal).toMatchObject({ status: 400, title: 'at most 10 webhooks are allowed' })
    expect(await refusalOf(custom())).toMatchObject({ status: 400 })
    expect((await api.listIntegrations()).integrations).toHaveLength(2)
  })

  test('is seen and changed by the program that it belongs to, which calls itself me', async () => {
    await newApp()
    const [mine, theirs] = [await custom(), await custom()]
    const { key: own } = await api.createCustomIntegrationKey(mine.id, { displayName: 'x' })
    const program = officialClient(stage.server, { ...stage.key, keyId: own.id, secret: own.secret })
    const { webhooks } = await program.listWebhooks('me')
    expect(webhooks).toHaveLength(1)
    expect(await program.listWebhooks(mine.id)).toEqual({ webhooks })
    const { webhook } = await program.createWebhook('me', oneWebhook)
    expect((await api.listWebhooks(mine.id)).webhooks).toHaveLength(2)
    expect(await program.deleteWebhook('me', webhook.id)).toBe('{}')
    expect(await refusalOf(program.listWebhooks(theirs.id))).toMatchObject({ status: 403, code: 'forbidden' })
    expect(await refusalOf(api.listWebhooks('me'))).toEqual(unknown)
    expect(await refusalOf(api.listWebhooks(newId()))).toEqual(unknown)
  })
})
