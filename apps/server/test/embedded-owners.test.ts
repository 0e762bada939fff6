import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from './support/api.js'
import { runCommand } from './support/command-line.js'
import { cleanUp, startServer, type TestServer, temporaryFolder } from './support/server.js'
import { basic } from './support/smartify.js'

const ID = /^[0-9a-f]{24}$/
const adminKey = 'the-admin-key'

let server: TestServer
let folder: string

beforeAll(async () => {
  folder = await temporaryFolder()
  server = await startServer({ folder, env: { ADMIN_KEY: adminKey } })
})
afterAll(cleanUp)

const run = (args: string[], input: string, env: Record<string, string> = {}) =>
  runCommand(args, { folder, env: { DATABASE_URL: 'file:plugboard.db', LOG_LEVEL: 'warn', ...env }, input })

const create = (project: string, email: string, password: string, more: string[] = [], env = {}) => {
  const options = ['--project', project, '--email', email, '--password-stdin', '--json', ...more]
  return run(['owners', 'create', ...options], `${password}\n`, env)
}

const projectsOf = (email: string, password: string) =>
  call(server, 'GET', '/api/projects', { headers: basic(email, password) })

describe('plugboard owners create', () => {
  test('works while a server runs, by its admin routes', async () => {
    const [email, password] = ['olga@example.org', randomUUID()]
    const env = { PORT: new URL(server.url).port, ADMIN_KEY: adminKey }
    const { out, err, code } = await create('new', email, password, [], env)
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^\{.*\}\n$/)
    const made = JSON.parse(out)
    expect(made).toEqual({ projectId: expect.stringMatching(ID), userId: expect.stringMatching(ID) })
    const { json } = await projectsOf(email.toUpperCase(), password)
    expect(json[0].id_project._id).toBe(made.projectId)

    const other = await create(made.projectId, 'second@example.org', randomUUID(), ['--url', server.url], env)
    expect(JSON.parse(other.out).projectId).toBe(made.projectId)
    const refused = await create('new', email, password, [], { PORT: env.PORT })
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('requires its admin key')])
    const unknown = await create('f'.repeat(24), email, password, [], env)
    expect([unknown.code, unknown.out]).toEqual([1, ''])
  })

  test('says which password is missing where the server has one', async () => {
    const guarded = await startServer({ env: { ADMIN_KEY: adminKey, INTERNAL_PASSWORD: 'the password' } })
    const env = { ADMIN_KEY: adminKey }
    const [email, password] = [`${randomUUID()}@example.org`, randomUUID()]
    const refused = await create('new', email, password, ['--url', guarded.url], env)
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('set INTERNAL_PASSWORD')])
    const made = await create('new', email, password, ['--url', guarded.url], {
      ...env,
      INTERNAL_PASSWORD: 'the password',
    })
    expect(made.code).toBe(0)
  })

  test('works while it is stopped, with the store itself, and adds to an account that is there', async () => {
    const [email, old, password] = [`${randomUUID()}@example.org`, randomUUID(), randomUUID()]
    const env = { PORT: new URL(server.url).port, ADMIN_KEY: adminKey }
    const first = JSON.parse((await create('new', email, old, [], env)).out)
    await server.stop()
    const { out, err, code } = await create('new', email, password)
    expect([code, err]).toEqual([0, ''])
    server = await server.restart()
    const second = JSON.parse(out)
    expect([second.userId, second.projectId === first.projectId]).toEqual([first.userId, false])
    expect((await projectsOf(email, old)).status).toBe(401)
    expect((await projectsOf(email, password)).json).toHaveLength(2)
  })

  test.each([
    ['no project', ['--email', 'a@example.org', '--password-stdin'], '"project" must be'],
    ['no e-mail', ['--project', 'new', '--password-stdin'], '"email" must be an e-mail address'],
    [
      'a short password',
      ['--project', 'new', '--email', 'a@example.org', '--password-stdin'],
      '"password" must have 8',
    ],
    ['no password', ['--project', 'new', '--email', 'a@example.org'], '--password-stdin'],
    ['an option of another command', ['--from', 'x'], '--from is not an option of the command owners create'],
  ])('says what is wrong with %s', async (_, args, message) => {
    const { out, err, code } = await run(['owners', 'create', ...args], 'short')
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(message)
    expect(err).not.toContain('short ')
  })
})
