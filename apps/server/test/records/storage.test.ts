import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, callAdmin, createClient, type TestClient } from '../support/api.js'
import { cleanUp, startServer, type TestServer } from '../support/server.js'
import { idOf } from '../support/smartify.js'
import { basic, newKey } from '../support/sunshine.js'

const KIBIBYTE = 1024

let server: TestServer

beforeAll(async () => {
  server = await startServer({ env: { CLIENT_MAX_SIZE: '64KiB' } })
})
afterAll(cleanUp)

const limit = (client: TestClient, maxStoredBytes: number | null) =>
  callAdmin(server, 'PATCH', `/clients/${client.id}`, { maxStoredBytes, guests: true })

/** Posts messages of 4 KiB until one is refused; answers their ids. */
async function fill(client: TestClient, conversationId: string): Promise<string[]> {
  const ids: string[] = []
  for (;;) {
    const { status, json, text } = await client.say(conversationId, 'x'.repeat(4 * KIBIBYTE))
    if (status === 201) ids.push(json.id)
    else {
      expect([status, text]).toEqual([507, expect.stringMatching(/has reached its storage limit/)])
      return ids
    }
  }
}

describe('how much a client keeps', () => {
  test('has a limit, and what is deleted makes room', async () => {
    const [client, other] = [await createClient(server), await createClient(server)]
    const { conversationId } = await client.converse()
    const ids = await fill(client, conversationId)
    expect(ids.length).toBe(15)
    expect((await client.call('DELETE', `/messages/${ids[0]}`)).status).toBe(204)
    expect((await fill(client, conversationId)).length).toBe(1)
    expect((await client.call('DELETE', `/messages/conversation/${conversationId}`)).status).toBe(200)
    expect((await fill(client, conversationId)).length).toBe(15)
    expect((await client.call('DELETE', `/conversations/${conversationId}`)).status).toBe(204)
    const again = await client.converse()
    expect((await fill(client, again.conversationId)).length).toBe(15)
    const { conversationId: theirs } = await other.converse()
    expect((await other.say(theirs, 'there is room here')).status).toBe(201)
    expect((await client.call('GET', `/messages/conversation/${again.conversationId}`)).status).toBe(200)
  })

  test('is what the operator says of it, before what the installation says', async () => {
    const client = await createClient(server)
    const { conversationId } = await client.converse()
    await limit(client, 10 * KIBIBYTE)
    expect((await fill(client, conversationId)).length).toBe(2)
    await limit(client, null)
    expect((await fill(client, conversationId)).length).toBe(13)
    await limit(client, 0)
    expect((await client.say(conversationId, 'x'.repeat(100 * KIBIBYTE))).status).toBe(201)
  })

  test('counts each change of a message, and has it back with the conversation', async () => {
    const client = await createClient(server)
    const { conversationId } = await client.converse()
    const { id } = (await client.say(conversationId, 'x'.repeat(4 * KIBIBYTE))).json
    const key = { authorization: basic(await newKey(server, { app: idOf(client.id) })) }
    const path = `/v2/apps/${idOf(client.id)}/conversations/${idOf(conversationId)}/messages/${idOf(id)}`
    const statuses: number[] = []
    while (statuses.length < 30 && statuses.at(-1) !== 507) {
      const content = { type: 'text', text: 'y'.repeat(4 * KIBIBYTE) }
      statuses.push((await call(server, 'PATCH', path, { headers: key, body: { content } })).status)
    }
    expect([statuses.at(-1), statuses.length]).toEqual([507, 16])
    expect((await client.call('DELETE', `/conversations/${conversationId}`)).status).toBe(204)
    expect((await fill(client, (await client.converse()).conversationId)).length).toBe(15)
  })

  test('counts files, and people who come in: all dialects answer 507', async () => {
    const client = await createClient(server)
    await limit(client, 20 * KIBIBYTE)
    const app = idOf(client.id)
    const headers = { authorization: basic(await newKey(server, { app })) }
    const upload = async (size: number) => {
      const body = new FormData()
      body.set('source', new Blob([new Uint8Array(randomBytes(size))]), 'file')
      const url = `${server.url}/v2/apps/${app}/attachments?access=public`
      const response = await fetch(url, { method: 'POST', headers, body })
      return { status: response.status, json: JSON.parse(await response.text()) }
    }
    const first = await upload(15 * KIBIBYTE)
    expect(first.status).toBe(201)
    expect(await upload(15 * KIBIBYTE)).toMatchObject({
      ...{ status: 507, json: { errors: [{ code: 'insufficient_storage' }] } },
    })
    await limit(client, KIBIBYTE)
    const body = { id_project: app, attributes: { about: 'x' } }
    const guest = await call(server, 'POST', '/api/auth/signinAnonymously', { body })
    expect([guest.status, guest.json]).toEqual([507, { success: false, msg: expect.any(String) }])
    const remove = { mediaUrl: first.json.attachment.mediaUrl }
    const path = `/v2/apps/${app}/attachments/remove`
    expect((await call(server, 'POST', path, { headers, body: remove })).status).toBe(200)
    expect((await call(server, 'POST', '/api/auth/signinAnonymously', { body })).status).toBe(200)
  })

  test('is known after a restart', async () => {
    const first = await startServer({ env: { CLIENT_MAX_SIZE: '64KiB' } })
    const client = await createClient(first)
    const { conversationId } = await client.converse()
    expect((await fill(client, conversationId)).length).toBe(15)
    await first.stop()
    const second = await first.restart()
    const moved = { ...client, say: clientAt(second, client).say }
    expect((await fill(moved, conversationId)).length).toBe(0)
  })
})

/** The same client at another server. */
function clientAt(at: TestServer, { headers }: TestClient): Pick<TestClient, 'say'> {
  return {
    say: (conversationId, text) =>
      call(at, 'POST', '/api/v1/messages', {
        headers,
        body: { conversationId, payload: { type: 'text', text } },
      }),
  }
}
