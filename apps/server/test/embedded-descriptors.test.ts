import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from './support/api.js'
import {
  cleanUp,
  startProcess,
  startServer,
  type TestServerProcess,
  temporaryFolder,
} from './support/server.js'
import { createProject, type Project } from './support/smartify.js'
import { basic, newKey } from './support/sunshine.js'

/** Little more than the server needs for itself. */
const LIMIT = 160
/** More than the server can take. */
const CALLERS = 300

let server: TestServerProcess
let project: Project
let upload: () => Promise<number>

beforeAll(async () => {
  const folder = await temporaryFolder()
  const first = await startServer({ folder })
  project = await createProject(first)
  const key = await newKey(first)
  const person = await call(first, 'POST', `/v2/apps/${key.appId}/users`, {
    body: { externalId: 'ada' },
    headers: { authorization: basic(key) },
  })
  await first.stop()
  // Nothing that is loaded late has been loaded in its process.
  server = await startProcess({ folder, before: `ulimit -n ${LIMIT}` })
  project = { ...project }
  const conversation = await call(server, 'POST', `/v2/apps/${key.appId}/conversations`, {
    body: { type: 'personal', participants: [{ userId: person.json.user.id }] },
    headers: { authorization: basic(key) },
  })
  upload = async () => {
    const form = new FormData()
    form.append('source', new Blob(['a file']), 'file.txt')
    const query = `access=public&for=message&conversationId=${conversation.json.conversation.id}`
    const { status } = await fetch(`${server.url}/v2/apps/${key.appId}/attachments?${query}`, {
      method: 'POST',
      body: form,
      headers: { authorization: basic(key) },
    })
    return status
  }
})
afterAll(cleanUp)

/** What depends on modules and files, and how it is answered. */
const everything = async () => ({
  signIn: (await call(server, 'GET', '/api/projects', { headers: project.owner.headers })).status,
  guest: (await call(server, 'POST', '/api/auth/signinAnonymously', { body: { id_project: project.id } }))
    .status,
  metrics: (await call(server, 'GET', '/metrics')).status,
  document: (await call(server, 'GET', '/openapi.json')).status,
  docs: (await call(server, 'GET', '/docs/static/swagger-ui.css')).status,
  upload: await upload(),
  admin: (await call(server, 'GET', '/admin/v1/overview')).status,
  web: (await call(server, 'GET', '/web/v1/nobody/config')).status,
})
const good = {
  ...{ signIn: 200, guest: 200, metrics: 200, document: 200, docs: 200, upload: 201 },
  ...{ admin: 401, web: 404 },
}

describe('a server that gets more callers than it may have open files', () => {
  const sockets: Socket[] = []
  const kept = new Agent({ keepAlive: true, maxSockets: 1 })
  let refused = 0

  /** On a connection from before. */
  const ask = (path: string) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const asked = request(server.url + path, { agent: kept }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (piece) => {
          text += piece
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      })
      asked.on('error', reject).end()
    })

  test('refuses those that are too many, and says so', async () => {
    expect((await ask('/readyz')).status).toBe(200)
    const { hostname, port } = new URL(server.url)
    for (let i = 0; i < CALLERS; i += 1) {
      const socket = connect(Number(port), hostname)
      socket
        .on('error', () => undefined)
        .on('close', () => {
          refused += 1
        })
      sockets.push(socket)
    }
    await expect.poll(() => refused, { timeout: 10_000 }).toBeGreaterThan(CALLERS - LIMIT)
    const { status, text } = await ask('/readyz')
    expect(status).toBe(503)
    expect(JSON.parse(text).problems).toEqual([
      expect.stringMatching(/^connections are refused: the limit of open files allows \d+$/),
    ])
    expect((await ask('/metrics')).text).toMatch(/^plugboard_connections_refused_total [1-9]/m)
  })

  test('still opens files and loads modules for connected callers', async () => {
    expect((await ask('/docs/static/swagger-ui.css')).status).toBe(200)
    expect((await ask('/openapi.json')).status).toBe(200)
  })

  test('does everything once they have left, without a restart', async () => {
    for (const socket of sockets) socket.destroy()
    await expect.poll(async () => (await ask('/status')).status).toBe(200)
    await expect.poll(() => everything().catch(String), { timeout: 10_000 }).toEqual(good)
    kept.destroy()
    await expect
      .poll(async () => (await call(server, 'GET', '/readyz')).status, { timeout: 15_000, interval: 500 })
      .toBe(200)
  })
})
