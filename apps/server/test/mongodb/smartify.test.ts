import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { call } from '../support/api.js'
import { runCommand } from '../support/command-line.js'
import { startReceiver } from '../support/receiver.js'
import { newDatabase, type Shared, startReplicas } from '../support/replicas.js'
import { cleanUp, isSoak, type TestServer, temporaryFolder } from '../support/server.js'
import { basic, createProject, newRequestId, type Project } from '../support/smartify.js'

/** Two replicas on one database. */
let env: Shared
let servers: [TestServer, TestServer]
beforeAll(async () => {
  env = newDatabase(inject('mongodbUrl') ?? '')
  servers = await startReplicas(2, env)
})
afterAll(cleanUp)

const MESSAGES = isSoak ? 50 : 10

/** The same project at another process. */
const at = (server: TestServer, project: Project): Project => ({
  ...project,
  call: (method, path, member, body) =>
    call(server, method, `/api/${project.id}${path}`, { body, headers: member?.headers ?? {} }),
  say: (requestId, text, member) =>
    at(server, project).call('POST', `/requests/${requestId}/messages`, member, { text }),
})

test('concurrent first messages at two processes create one request, each delivered once and in order', async () => {
  const project = await createProject(servers[0])
  const hook = await startReceiver()
  await project.subscribe('message.create', hook.url)
  // Until the other process knows of the subscription.
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const guest = await project.guest()
  const requestId = newRequestId()
  const texts = Array.from({ length: MESSAGES }, (_, i) => `message ${i}`)
  const answers = await Promise.all(
    texts.map((text, i) => at(servers[i % 2] as TestServer, project).say(requestId, text, guest)),
  )
  expect(answers.map(({ status }) => status)).toEqual(texts.map(() => 200))
  for (const field of ['_id', 'ticket_id'])
    expect(new Set(answers.map((answer) => answer.json.request[field])).size).toBe(1)
  const lists = await Promise.all(
    servers.map((server) => at(server, project).call('GET', `/requests/${requestId}/messages`, guest)),
  )
  const inOrder = lists[0]?.json.map(({ text }: { text: string }) => text) as string[]
  expect([...inOrder].sort()).toEqual([...texts].sort())
  expect(lists[1]?.json).toEqual(lists[0]?.json)
  await hook.until(({ length }) => length >= MESSAGES, 30_000)
  const told = hook.requests.map(
    (request) => (request.json as unknown as { payload: { text: string } }).payload.text,
  )
  expect(told).toEqual(inOrder)
  await hook.close()
})

test('an owner is made at the command line while processes run, and signs in at each of them', async () => {
  const options = ['--project', 'new', '--email', 'me@example.org', '--password-stdin', '--json']
  const { out, code } = await runCommand(['owners', 'create', ...options], {
    folder: await temporaryFolder(),
    env: { ...env, LOG_LEVEL: 'warn' },
    input: 'a good password',
  })
  expect(code).toBe(0)
  const made: { projectId: string } = JSON.parse(out)
  for (const server of servers) {
    const headers = basic('me@example.org', 'a good password')
    const { json } = await call(server, 'GET', '/api/projects', { headers })
    expect(json[0].id_project._id).toBe(made.projectId)
  }
})
