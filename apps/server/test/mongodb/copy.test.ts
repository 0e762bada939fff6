import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, inject, test } from 'vitest'
import { clientOf, createClient, type TestClient } from '../support/api.js'
import { runCommand } from '../support/command-line.js'
import { converseMany, firstsOf, forAll, listAll, numbered, textOf } from '../support/fault-load.js'
import { type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, isSoak, startServer, type TestServer, temporaryFolder } from '../support/server.js'

afterAll(cleanUp)

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const PATIENT = { timeout: 30_000 }
const CONVERSATIONS = 40
const MESSAGES = isSoak ? 50 : 5
const OWED = 12

/** Keys are in files; what fails is tried again soon. */
const ENV = { ENCRYPTION_KEY: '', GATE_PAUSE: '20ms', GATE_MAX_PAUSE: '50ms', POLL_INTERVAL: '50ms' }
const ADDRESS = { channel: 'custom', identity: '*', sender: 'someone', thread: 't' }

async function runCopy(folder: string, from: string, to: string) {
  const { code, out, err } = await runCommand(['copy', '--from', from, '--to', to], { folder })
  return { code, out, lines: err.trim().split('\n') }
}

/** The command as a process, which is killed when it shows this many percent. */
async function killCopy(folder: string, from: string, to: string, killAt: number) {
  const child = spawn(process.execPath, [MAIN, 'copy', '--from', from, '--to', to], {
    cwd: folder,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  createInterface(child.stderr).on('line', (line) => {
    if (Number.parseInt(line, 10) >= killAt) child.kill('SIGKILL')
  })
  const [code] = await once(child, 'close')
  return { code: code as number | null, out }
}

/** What a client sees of its data. */
async function viewOf(client: TestClient, seen: Seen) {
  const get = async (path: string) => (await client.call('GET', path)).json
  const lists: unknown[] = []
  await forAll(seen.conversations, async (id, index) => {
    lists[index] = await listAll(client, id)
  })
  return {
    lists,
    conversations: await get(`/conversations/user/${seen.userId}?limit=0`),
    users: [await get(`/users/${seen.userId}`), await get(`/users/${seen.mapped.userId}`)],
    mapped: await get(`/conversations/${seen.mapped.id}`),
    deadLetters: await get('/dead-letters'),
    deliveries: [
      await get(`/messages/${seen.doomed}/deliveries`),
      await get(`/messages/${seen.delivered}/deliveries`),
    ],
    deleted: [
      (await client.call('GET', `/conversations/${seen.deleted}`)).status,
      (await client.call('GET', `/messages/${seen.tombstone}`)).status,
    ],
    webhooks: client.webhooks,
  }
}

interface Seen {
  userId: string
  conversations: string[]
  mapped: { id: string; userId: string }
  doomed: string
  delivered: string
  deleted: string
  tombstone: string
}

/** Some of everything, all of it delivered or given up. */
async function fill(client: TestClient, bot: Receiver): Promise<Seen> {
  const conversations = await converseMany(client, CONVERSATIONS)
  const [first = '', deleted = ''] = conversations
  const { userId } = (await client.call('GET', `/conversations/${first}`)).json
  const say = async (id: string, text: string) => (await client.say(id, text)).json.id as string
  await forAll(conversations, async (id) => {
    for (const text of numbered(MESSAGES)) await say(id, text)
  })
  // In turn, since the order of conversations with a message in one millisecond is no part of what is copied.
  for (const id of conversations) await say(id, 'goodbye')
  const mapped = (await client.call('POST', '/endpoints/map', ADDRESS)).json.conversationId
  await say(mapped, 'hello')
  const doomed = await say(first, 'doomed')
  const delivered = await say(first, 'after it')
  const tombstone = await say(first, 'to be deleted')
  await expect
    .poll(async () => (await client.call('GET', '/dead-letters')).json.deadLetters.length, PATIENT)
    .toBe(1)
  await bot.until(() => firstsOf(bot, first).includes('to be deleted'), 30_000)
  await client.call('DELETE', `/messages/${tombstone}`)
  await client.call('DELETE', `/conversations/${deleted}`)
  const mappedUser = (await client.call('GET', `/conversations/${mapped}`)).json.userId
  return {
    ...{ userId, conversations: conversations.filter((id) => id !== deleted) },
    ...{ mapped: { id: mapped, userId: mappedUser }, doomed, delivered, deleted, tombstone },
  }
}

test.runIf(inject('mongodbUrl'))(
  'a store moves from a file to MongoDB and back, with all that it has and owes',
  async () => {
    const folder = await temporaryFolder()
    const name = `copied-${randomBytes(6).toString('hex')}`
    const url = (inject('mongodbUrl') ?? '').replace(/\/(\?|$)/, `/${name}$1`)
    const start = (database: string, more: Record<string, string> = {}): Promise<TestServer> =>
      startServer({ folder, env: { ...ENV, DATABASE_URL: database, ...more } })
    const bot = await startReceiver((request) => (textOf(request) === 'doomed' ? 500 : 200))

    const hasty = await start('file:plugboard.db', { WEBHOOK_RETRY_DELAYS: '50ms,100ms' })
    const { id, token, webhooks } = await createClient(hasty, { webhooks: [{ url: bot.url }] })
    const at = (server: TestServer): TestClient => clientOf(server, { id, token, webhooks })
    const seen = await fill(at(hasty), bot)
    expect(await hasty.stop()).toBe(0)

    bot.answer = () => 503
    const embedded = await start('file:plugboard.db')
    const owed = Array.from({ length: OWED }, (_, i) => `owed ${i}`)
    const [first = '', second = ''] = seen.conversations
    for (const text of owed) {
      await at(embedded).say(first, text)
      await at(embedded).say(second, text)
    }
    await bot.until((requests) => requests.some((request) => textOf(request) === 'owed 0'))
    const before = await viewOf(at(embedded), seen)
    expect(await embedded.stop()).toBe(0)

    const killed = await killCopy(folder, 'file:plugboard.db', url, 40)
    expect([killed.code, killed.out]).toEqual([null, ''])
    await expect(start(url)).rejects.toThrow('run `plugboard copy` again')
    const copied = await runCopy(folder, 'file:plugboard.db', url)
    expect([copied.code, copied.lines.at(-1)]).toEqual([0, expect.stringMatching(/^100 % /)])
    // It went on where it was.
    expect(Number.parseInt(copied.lines[0] ?? '', 10)).toBeGreaterThanOrEqual(40)
    expect(copied.out).toMatch(/^ {2}client +1$/m)
    const keyFile = join(folder, 'data', `${name}.key`)
    expect(copied.out).toContain(keyFile)
    const key = await readFile(keyFile, 'utf8')
    expect(key).toBe(await readFile(join(folder, 'plugboard.db.key'), 'utf8'))
    expect(copied.out).not.toContain(key.trim())

    const onMongodb = await start(url)
    expect(await viewOf(at(onMongodb), seen)).toEqual(before)
    const again = (await at(onMongodb).call('POST', '/endpoints/map', ADDRESS)).json.conversationId
    expect(again).toBe(seen.mapped.id)
    bot.requests.length = 0
    bot.answer = () => 200
    const hasAll = (): boolean => [first, second].every((each) => firstsOf(bot, each).length >= OWED)
    await bot.until(hasAll, 30_000)
    for (const each of [first, second]) expect(firstsOf(bot, each)).toEqual(owed)
    await at(onMongodb).say(first, 'from MongoDB')
    await bot.until(() => firstsOf(bot, first).includes('from MongoDB'))
    const later = await viewOf(at(onMongodb), seen)
    expect(await onMongodb.stop()).toBe(0)

    const back = await runCopy(folder, url, 'file:back.db')
    expect(back.code).toBe(0)
    const returned = await start('file:back.db')
    expect(await viewOf(at(returned), seen)).toEqual(later)
    bot.requests.length = 0
    await at(returned).say(first, 'in the file again')
    await bot.until(() => firstsOf(bot, first).includes('in the file again'))
    expect(bot.ofType('message.new').map(textOf)).toEqual(['in the file again'])
    expect(await returned.stop()).toBe(0)
    await bot.close()
  },
  180_000,
)
