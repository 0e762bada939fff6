import { readdir } from 'node:fs/promises'
import { fromUuid, newId } from '@plugboard/core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createClient, type TestClient } from './support/api.js'
import { runCommand, runProcess } from './support/command-line.js'
import { startReceiver } from './support/receiver.js'
import { cleanUp, startServer, type TestServer, temporaryFolder } from './support/server.js'

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

/** A test runs many commands. */
vi.setConfig({ testTimeout: 120_000 })

/** For polls: a busy machine is slow. */
const PATIENT = { timeout: 20_000 }

let server: TestServer
let folder: string

beforeAll(async () => {
  folder = await temporaryFolder()
  // The commands read the key file that the server made.
  server = await startServer({ folder, env: { ADMIN_KEY: '', WEBHOOK_RETRY_DELAYS: '10ms' } })
})
afterAll(cleanUp)

const optionsOf = ({ cwd = folder, input = '' } = {}) => {
  const env = { DATABASE_URL: 'file:plugboard.db', LOG_LEVEL: 'warn', PORT: new URL(server.url).port }
  return { folder: cwd, env, input }
}

const run = (args: string[], options?: { cwd?: string; input?: string }) =>
  runCommand(args, optionsOf(options))

/** Runs a command, and expects nothing but one line of JSON. */
async function json(...args: string[]) {
  const { out, err, code } = await run([...args, '--json'])
  expect([code, err]).toEqual([0, ''])
  expect(out).toMatch(/^[{[].*[}\]]\n$/)
  return JSON.parse(out)
}

/** While the server is stopped. */
async function stopped<T>(use: () => Promise<T>): Promise<T> {
  await server.stop()
  return use().finally(async () => {
    server = await server.restart()
  })
}

describe('while a server runs', () => {
  test('keys are listed without their secrets, and revoked', async () => {
    const key = await json('keys', 'create', '--app', 'new', '--scope', 'app', '--name', 'ada')
    const listed = await json('keys', 'list', '--app', key.appId)
    expect(listed).toEqual([
      ...[
        {
          keyId: key.keyId,
          scope: 'app',
          appId: key.appId,
          displayName: 'ada',
          createdOn: expect.stringMatching(ISO),
        },
      ],
    ])
    const idsOf = async () => (await json('keys', 'list')).map(({ keyId }: { keyId: string }) => keyId)
    expect(await idsOf()).toEqual(expect.arrayContaining([key.keyId]))
    expect((await run(['keys', 'list'])).out).not.toContain(key.secret)
    expect(await json('keys', 'revoke', key.keyId)).toEqual({ keyId: key.keyId })
    expect(await idsOf()).not.toContain(key.keyId)
  })

  test('owners are listed, and removed from one project or from all', async () => {
    const email = `${newId()}@example.org`
    const create = async (project: string) => {
      const args = ['owners', 'create', '--project', project, '--email', email, '--password-stdin', '--json']
      return JSON.parse((await run(args, { input: 'a-long-password' })).out).projectId as string
    }
    const [one, two] = [await create('new'), await create('new')]
    const owner = { email, projects: [one, two], userId: expect.any(String), createdOn: expect.any(String) }
    expect(await json('owners', 'list', '--project', one)).toEqual([owner])
    const remove = (...more: string[]) => json('owners', 'remove', '--email', email, ...more)
    expect(await remove('--project', one)).toEqual({ projects: [one], isDeleted: false })
    expect(await json('owners', 'list', '--project', one)).toEqual([])
    expect(await remove()).toEqual({ projects: [two], isDeleted: true })
  })

  test('clients are listed, shown by either form of their id, and deleted', async () => {
    const client = await createClient(server, { webhooks: [{ url: 'http://127.0.0.1:9/hook' }] })
    expect(await json('clients', 'list')).toContainEqual({
      id: client.id,
      createdOn: expect.stringMatching(ISO),
    })
    const hexId = fromUuid(client.id) ?? ''
    for (const id of [client.id, hexId]) {
      expect(await json('clients', 'show', id)).toMatchObject({
        ...{ id: client.id, hexId, guests: false, tokens: 1, channels: {} },
        webhooks: [{ url: 'http://127.0.0.1:9/hook', state: expect.any(String) }],
      })
    }
    expect((await run(['clients', 'show', client.id])).out).toContain('http://127.0.0.1:9/hook: ')
    expect((await run(['clients', 'delete', client.id])).out).toBe(`Deleted the client ${client.id}\n`)
    const gone = await run(['clients', 'show', client.id])
    expect([gone.code, gone.out]).toEqual([1, ''])
    expect((await client.call('GET', '/clients')).status).toBe(401)
  })

  test('a client whose name moves the cursor, or is read from right to left, is shown as it is', async () => {
    const name = `${newId()}\u001b[2J\u009b1A\n\u202efdp.exe`
    const { id } = await createClient(server, { name })
    for (const more of [[], ['--json']]) {
      const { out: output } = await run(['clients', 'list', ...more])
      const shown = output.split('\n').find((line) => line.includes(id)) ?? ''
      expect(shown).toContain(name.slice(0, 24))
      expect(shown).toMatch(/u001b\[2J\\u009b1A.*u202efdp\.exe/)
      expect(output.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u)
    }
    expect(await json('clients', 'list')).toContainEqual(expect.objectContaining({ id, name }))
    await run(['clients', 'delete', id])
  })

  test('dead letters are listed by filter, and replayed together', async () => {
    const bot = await startReceiver(() => 500)
    const clients = [await createClient(server, hooks(bot.url)), await createClient(server, hooks(bot.url))]
    const [client, other] = clients as [TestClient, TestClient]
    for (const each of clients) {
      const { conversationId } = await each.converse()
      for (const words of ['one', 'two']) await each.say(conversationId, words)
      await expect
        .poll(async () => (await each.call('GET', '/dead-letters')).json.deadLetters.length, PATIENT)
        .toBe(4)
    }
    bot.answer = () => 200
    const of = ['--client', client.id]
    const letters = await json('dead-letters', 'list', ...of, '--event', 'message.new')
    expect(letters).toMatchObject(
      Array.from({ length: 2 }, () => ({ clientId: client.id, event: 'message.new', reason: 'exhausted' })),
    )
    expect((await json('dead-letters', 'list', '--since', '1h', '--target', bot.url)).length).toBe(8)
    expect(await json('dead-letters', 'list', ...of, '--limit', '3')).toHaveLength(3)
    const [, ...rows] = (await run(['dead-letters', 'list', ...of])).out.trim().split('\n')
    expect(rows).toHaveLength(4)
    const texts = () => bot.ofType('message.new').map(({ json }) => json.data.message?.payload.text)
    bot.requests.length = 0
    const messages = [...of, '--event', 'message.new']
    expect((await run(['dead-letters', 'replay', ...messages, '--dry-run'])).out).toBe(
      'Would replay 2 dead letters\n',
    )
    expect(await json('dead-letters', 'replay', ...messages)).toMatchObject({
      ...{ done: 2, failed: 0 },
      jobs: [{ clientId: client.id, action: 'replay', state: 'done', filter: { event: 'message.new' } }],
    })
    await bot.until(() => texts().length === 2)
    expect(texts()).toEqual(['one', 'two'])
    const rest = await run(['dead-letters', 'replay', ...of, '--per-second', '1000'])
    expect([rest.out, rest.err]).toEqual([
      'Replayed 2 dead letters\n',
      expect.stringContaining('100 % · 2 of 2'),
    ])
    const left = async (each: TestClient) => (await each.call('GET', '/dead-letters')).json.deadLetters.length
    await expect.poll(() => left(client), PATIENT).toBe(0)
    expect(await left(other)).toBe(4)

    const everywhere = ['--target', bot.url, '--event', 'message.new', '--url', server.url]
    const trial = await json('dead-letters', 'discard', ...everywhere, '--dry-run')
    expect(trial).toEqual({
      ...{ count: 2, isMore: false },
      clients: [{ clientId: other.id, count: 2, isMore: false }],
    })
    expect(await left(other)).toBe(4)
    expect((await run(['dead-letters', 'discard', ...everywhere])).out).toBe('Discarded 2 dead letters\n')
    expect(await left(other)).toBe(2)
    expect(texts()).toEqual(['one', 'two'])
    const background = await run(['dead-letters', 'replay', '--all', '--background'])
    expect(background.out).toBe('A job will replay 2 dead letters\n')
    await expect.poll(() => left(other), PATIENT).toBe(0)
    for (const each of clients) await run(['clients', 'delete', each.id])
  })
})

test('the overview names the process, and says that none delivers while the server is stopped', async () => {
  const overview = await json('overview')
  expect(overview.replicas.filter(({ state }: { state: string }) => state === 'running')).toHaveLength(1)
  expect((await run(['overview'])).out).toMatch(/^(Everybody is answered\.|Somebody is not answered:)\n/)
  const { out, code } = await stopped(() => run(['overview']))
  expect(code).toBe(0)
  expect(out).toMatch(/^Somebody is not answered:\nSINCE .*\n\S+ +workers +no-worker +start +no process/)
})

test('while it is stopped, the commands do the same on the database', async () => {
  const bot = await startReceiver(() => 500)
  const [client, other] = [await createClient(server, hooks(bot.url)), await createClient(server)]
  await client.call('POST', '/users')
  await expect
    .poll(async () => (await client.call('GET', '/dead-letters')).json.deadLetters.length, PATIENT)
    .toBe(1)
  bot.answer = () => 200
  await stopped(async () => {
    const { keyId } = await json('keys', 'create', '--app', client.id, '--scope', 'app')
    expect(await json('keys', 'list', '--app', client.id)).toMatchObject([{ keyId }])
    await json('keys', 'revoke', keyId)
    expect(await json('keys', 'list', '--app', client.id)).toEqual([])
    expect(await json('clients', 'show', client.id)).toMatchObject({
      webhooks: [{ state: 'failing', counts: { delivered: 0, dead: 1 } }],
    })
    const { out } = await run(['dead-letters', 'replay', '--client', client.id])
    expect(out).toBe('A job will replay 1 dead letter, as soon as a process delivers\n')
    expect(await json('dead-letters', 'list', '--client', client.id)).toHaveLength(1)
    await json('clients', 'delete', other.id)
    expect((await run(['clients', 'show', other.id])).err).toBe('plugboard: client not found\n')
  })
  await bot.until(() => bot.requests.filter(({ json }) => json.type === 'user.new').length > 1)
})

const hooks = (url: string) => ({ webhooks: [{ url }] })

test('a list of many clients with dead letters is read page by page', async () => {
  const bot = await startReceiver(() => 400)
  const clients = await Promise.all(Array.from({ length: 60 }, () => createClient(server, hooks(bot.url))))
  const last = clients.at(-1) as TestClient
  await last.call('POST', '/users')
  await expect
    .poll(async () => (await last.call('GET', '/dead-letters')).json.deadLetters.length, PATIENT)
    .toBe(1)
  expect(await json('dead-letters', 'list', '--target', bot.url)).toMatchObject([{ clientId: last.id }])
})

test('a process of its own does what a command does, prints the same, and ends', async () => {
  const args = ['clients', 'list', '--json']
  const isSame = async () => expect(await runProcess(args, optionsOf())).toEqual(await run(args))
  await createClient(server)
  await isSame()
  await stopped(isSame)
  const input = 'a-long-password'
  const owner = ['owners', 'create', '--project', 'new', '--email', `${newId()}@example.org`]
  expect(await runProcess([...owner, '--password-stdin'], optionsOf({ input }))).toMatchObject({ code: 0 })
  const unknown = ['keys', 'revoke', 'app_nothing']
  expect(await runProcess(unknown, optionsOf())).toEqual(await run(unknown))
})

describe('a command', () => {
  test.each([
    [['keys'], '"keys" is not a command; there are keys create, keys list, keys revoke'],
    [['keys', 'revoke'], 'keys revoke needs KEY; see plugboard help keys revoke'],
    [['clients', 'list', '--email', 'x'], '--email is not an option of the command clients list'],
    [['dead-letters', 'replay'], 'give at least one option, or --all'],
    [['dead-letters', 'list', '--since', 'x'], '"since" must be a duration'],
    [['dead-letters', 'replay', '--all', '--to', 'x'], '"to" needs a client'],
    [['dead-letters', 'discard', '--all', '--per-second', '0'], '"per-second" must be a whole number from 1'],
    [['dead-letters', 'discard', '--event', 'x'], '"event" must be one of [message.new, '],
    [['dead-letters', 'replay', '--client', newId(), '--dry-run'], 'client not found'],
    [['copy', '--from', 'file:a.db'], '"--to" is missing'],
    [
      ['dead-letters', 'list', '--reason', 'bored'],
      '"reason" must be one of [exhausted, invalid, recipient, window-closed, gone, target-removed, undelivered]',
    ],
    [['clients', 'list', '--url', 'nonsense'], '"--url" must be the address of a server'],
    [['clients', 'list', '--url', 'http://127.0.0.1:1'], 'cannot reach the server at http://127.0.0.1:1 ('],
    [['clients', 'show', newId()], 'client not found'],
    [['keys', 'revoke', 'app_nothing'], 'key not found'],
  ])('says what is wrong with %j', async (args, message) => {
    const { out, err, code } = await run(args)
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/^plugboard: [^\n]*\n$/)
    expect(err).toContain(message)
  })

  test('in the wrong folder says so, and creates nothing there', async () => {
    const cwd = await temporaryFolder()
    const { err, code } = await run(['clients', 'list'], { cwd })
    expect([code, err]).toEqual([1, expect.stringContaining('there is no database at ')])
    expect(await readdir(cwd)).toEqual([])
  })

  test('has a help of its own, also together with those beside it', async () => {
    const { out } = await run(['help', 'dead-letters', 'replay'])
    expect(out).toMatch(/^Usage: plugboard dead-letters replay \[options\]\n/)
    expect(out).toContain('--since TIME')
    expect((await run(['dead-letters', 'replay', '--help'])).out).toBe(out)
    const all = (await run(['help', 'dead-letters'])).out
    expect(all).toContain(out.trim())
    expect(all).toContain('Usage: plugboard dead-letters list')
    expect((await run(['dead-letters', '--help'])).out).toBe(all)
  })
})
