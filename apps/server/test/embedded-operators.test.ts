import { toUuid } from '@plugboard/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient } from './support/api.js'
import { runCommand } from './support/command-line.js'
import { callWithKey, openLink, signIn } from './support/operators.js'
import { ADMIN_KEY, cleanUp, startServer, type TestServer, temporaryFolder } from './support/server.js'

let folder: string
let server: TestServer

beforeAll(async () => {
  folder = await temporaryFolder()
  server = await startServer({ folder, env: { RATE_LIMIT: '0' } })
})
afterAll(cleanUp)

const EMAIL = 'ada@example.org'
const PASSWORD = 'a password of operators'

const run = (args: string[], input = '', env: Record<string, string> = {}) =>
  runCommand(args, {
    folder,
    env: { DATABASE_URL: 'file:plugboard.db', LOG_LEVEL: 'warn', ADMIN_KEY, ...env },
    input,
  })

const create = (role: string, password: string, more: string[] = []) =>
  run(['operators', 'create', '--email', EMAIL, '--role', role, '--password-stdin', ...more], `${password}\n`)

test('plugboard clients link prints a link to one client', async () => {
  const { id } = await createClient(server)
  const at = ['--url', server.url]
  const { code, err, out } = await run([
    'clients',
    'link',
    id,
    '--role',
    'operator',
    '--expires',
    '7d',
    ...at,
  ])
  expect([code, err]).toEqual([0, ''])
  const { answer } = await openLink(server, out.trim())
  expect(answer.json.actor).toMatchObject({ kind: 'tenant', clientId: id, role: 'operator', name: 'link' })
  const wrong = await run(['clients', 'link', id, '--expires', '1y', '--role', 'admin', ...at])
  expect([wrong.code, wrong.err]).toEqual([
    1,
    'plugboard: "role" must be viewer or operator. "expires" must be a duration such as 12h or 7d, from 1m to 90d\n',
  ])
})

describe('plugboard operators', () => {
  test('creates, changes, lists and removes operators of a running server, and of a stopped one', async () => {
    const at = ['--url', server.url]
    const created = await create('viewer', PASSWORD, at)
    expect([created.code, created.err, created.out]).toEqual([
      ...[0, ''],
      `Created the operator ${EMAIL} with the role viewer\n`,
    ])
    const ada = await signIn(server, { email: EMAIL, password: PASSWORD })
    expect(ada.answer.json.actor).toMatchObject({ name: EMAIL, role: 'viewer' })
    expect((await create('admin', `${PASSWORD} 2`, at)).out).toBe(
      `Changed the operator ${EMAIL} with the role admin\n`,
    )
    expect((await ada.call('GET', '/session')).status).toBe(401)
    const list = await run(['operators', 'list', '--json', ...at])
    expect(JSON.parse(list.out)).toMatchObject([{ email: EMAIL, role: 'admin', hasPassword: true }])
    const only = await run(['operators', 'remove', '--email', EMAIL, ...at])
    expect([only.code, only.err]).toEqual([1, expect.stringContaining('the only administrator')])

    await server.stop()
    const other = ['operators', 'create', '--email', 'bob@example.org', '--role', 'admin']
    expect((await run(other)).out).toContain('who signs in with OpenID Connect')
    expect((await run(['operators', 'remove', '--email', EMAIL])).out).toBe(`Removed the operator ${EMAIL}\n`)
    expect((await run(['operators', 'list'])).out).toMatch(
      /^EMAIL +ROLE +CREATED +SIGN-IN\nbob@example.org +admin +\S+\n$/,
    )
    const key = ['keys', 'create', '--app', 'new', '--scope', 'app', '--json']
    const { appId, keyId } = JSON.parse((await run(key)).out)
    expect((await run(['clients', 'delete', appId])).err).toBe('')
    server = await server.restart()
    const { json } = await callWithKey(server, 'GET', '/audit?actor=command-line')
    expect(json.items).toMatchObject([
      { action: 'client.delete', clientId: toUuid(appId), outcome: 'done', from: 'this machine' },
      { action: 'key.create', clientId: toUuid(appId), details: { keyId }, outcome: 'done' },
      { action: 'operator.delete', details: { email: EMAIL }, outcome: 'done' },
      { action: 'operator.create', details: { email: 'bob@example.org' }, outcome: 'done' },
    ])
  })

  test.each([
    [['create', '--email', 'ada', '--role', 'admin'], '"email" must be an e-mail address'],
    [['create', '--email', EMAIL, '--role', 'owner'], '"role" must be viewer, operator or admin'],
    [
      ['remove', '--email', 'eve@example.org'],
      'there is no operator with the e-mail address eve@example.org',
    ],
  ])('says what is wrong with %j', async (args, message) => {
    const { code, err } = await run(['operators', ...args, '--url', server.url])
    expect([code, err]).toEqual([1, `plugboard: ${message}\n`])
  })

  test('refuses a short password', async () => {
    const { code, err } = await create('admin', 'short', ['--url', server.url])
    expect([code, err]).toEqual([1, 'plugboard: "password" must have 12 to 256 characters\n'])
  })
})
