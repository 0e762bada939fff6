import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { isPlugboardError, newId } from '@plugboard/core'
import type { Entry, StreamRef } from '@plugboard/hub'
import { clientsBeforeGuests } from '@plugboard/hub/testing'
import Database from 'libsql'
import { describe, expect, onTestFinished, test } from 'vitest'
import { event, openStore, say, talk, talkOf, target, temporaryPath } from '../../test/temporary.js'
import { sqliteStore } from '../index.js'

const program = fileURLToPath(new URL('../../test/child.mjs', import.meta.url))

/** A process with the store open. */
function start(path: string, what: 'open' | 'write', shell?: string) {
  const run = [process.execPath, program, path, what]
  const [command = '', ...rest] = shell ? ['sh', '-c', `${shell}; exec "$@"`, 'sh', ...run] : run
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const exit = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    return done ? undefined : JSON.parse(value)
  }
  const kill = async () => {
    child.kill('SIGKILL')
    await exit
  }
  return { next, exit, kill }
}

const conflict = (words: RegExp) => (error: unknown) =>
  isPlugboardError(error, 'CONFLICT') && words.test((error as Error).message)

describe('the database file', () => {
  test('in a folder that takes no folder is refused at once', async () => {
    const path = '/dev/null/plugboard/data/hub.db'
    await expect(async () => sqliteStore({ path })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    if (process.platform !== 'linux') return
    await expect(async () => sqliteStore({ path: '/proc/plugboard/data/hub.db' })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    })
  })

  test('and the files beside it are for their owner alone, in a folder that is so too', async () => {
    const path = join(await temporaryPath(), 'data', 'hub.db')
    const modes = async () =>
      Promise.all(
        (await readdir(dirname(path))).map(async (name) => [
          name,
          ((await stat(join(dirname(path), name))).mode & 0o777).toString(8),
        ]),
      )
    const before = process.umask(0o022)
    try {
      const store = await sqliteStore({ path })
      await store.putMeta('a', 'b')
      expect(await modes()).toEqual(
        ['hub.db', 'hub.db-lock', 'hub.db-shm', 'hub.db-wal'].map((name) => [name, '600']),
      )
      expect(((await stat(dirname(path))).mode & 0o777).toString(8)).toBe('700')
      await store.close()
      // As an earlier version left them.
      for (const [name = ''] of await modes()) await chmod(join(dirname(path), name), 0o644)
      const again = await sqliteStore({ path })
      await again.putMeta('a', 'c')
      expect((await modes()).map(([, mode]) => mode)).toEqual(['600', '600', '600', '600'])
      await again.close()
    } finally {
      process.umask(before)
    }
  })

  test('is open in one process at a time, and free when that is killed', async () => {
    const path = await temporaryPath()
    const first = start(path, 'open')
    expect(await first.next()).toBe('opened')
    await expect(sqliteStore({ path })).rejects.toSatisfy(conflict(/plugboard\.db open: one process/))
    await first.kill()
    await openStore({ path })
    const second = start(path, 'open')
    expect(await second.next()).toMatchObject({ failed: ['CONFLICT'] })
  })

  test('is open once within a process, by whatever name, and free when it is closed', async () => {
    const path = await temporaryPath()
    const store = await sqliteStore({ path })
    await symlink(path, `${path}-link`)
    for (const name of [path, `${path}-link`]) {
      await expect(sqliteStore({ path: name })).rejects.toSatisfy(conflict(/open/))
    }
    await store.close()
    await openStore({ path })
  })

  test('can be read by others while it is open', async () => {
    const path = await temporaryPath()
    const store = await openStore({ path })
    await store.putMeta('key', 'value')
    const reader = new Database(path)
    onTestFinished(() => void reader.close())
    expect(reader.prepare('SELECT value FROM meta').get([])).toMatchObject({ value: 'value' })
    await store.putMeta('key', 'other')
  })

  test('is refused when a newer Plugboard wrote it, and left as it is', async () => {
    const path = await temporaryPath()
    await (await sqliteStore({ path })).close()
    const db = new Database(path)
    db.exec('PRAGMA user_version = 1000')
    db.close()
    for (const _ of [1, 2]) {
      await expect(sqliteStore({ path })).rejects.toSatisfy(conflict(/newer Plugboard.*1000/))
    }
  })

  test('of version 2 is brought up, with the conversations of a user in their order', async () => {
    const path = await temporaryPath()
    const store = await sqliteStore({ path })
    const first = await talk(store)
    const second = await talkOf(store, first)
    const silent = await talkOf(store, first)
    for (const stream of [second, first]) await say(store, stream)
    await store.close()
    const db = new Database(path)
    db.exec(`
      CREATE TABLE talks (user INTEGER NOT NULL, last_message_at INTEGER NOT NULL, n INTEGER NOT NULL,
        PRIMARY KEY (user, last_message_at, n)) STRICT, WITHOUT ROWID;
      INSERT INTO talks SELECT user, rank, n FROM streams WHERE rank IS NOT NULL;
      DROP INDEX streams_by_rank;
      ALTER TABLE streams DROP COLUMN rank;
      ALTER TABLE progress DROP COLUMN fence;
      ${UNSENT};
      PRAGMA user_version = 2`)
    db.close()
    const again = await openStore({ path })
    const order = async () => {
      const listed = await again.listConversations(first.clientId, first.userId, { limit: 10 })
      return listed.map(({ id }) => id)
    }
    expect(await order()).toEqual([silent, first, second].map(({ streamId }) => streamId))
    await say(again, second, { at: new Date(Date.now() + 1000) })
    expect(await order()).toEqual([silent, second, first].map(({ streamId }) => streamId))
  })

  test('of version 4 is brought up, and accepts guests where there are some or people want them', async () => {
    const path = await temporaryPath()
    const store = await sqliteStore({ path })
    const clients = await clientsBeforeGuests(store)
    await store.close()
    const db = new Database(path)
    db.exec(`${JOURNAL}; ${UNSENT}; ALTER TABLE progress DROP COLUMN fence; PRAGMA user_version = 4`)
    db.close()
    const again = await openStore({ path })
    for (const [client, isOn] of clients)
      expect(await again.findClient({ id: client.id })).toEqual({
        ...client,
        ...(isOn && { acceptsGuests: true }),
      })
  })

  test.each([5, 6])(
    'of version %i is brought up, with what its journal says beyond the table',
    async (version) => {
      const path = await temporaryPath()
      const store = await sqliteStore({ path })
      const [owing, done, other, late] = [
        await talk(store),
        await talk(store),
        await talk(store),
        await talk(store),
      ]
      for (const stream of [owing, done, other]) await say(store, stream, { owes: [target()] })
      await store.close()
      const db = new Database(path)
      const rowOf = (stream: StreamRef): number =>
        (db.prepare('SELECT n FROM streams WHERE id = unhex(?)').get([stream.streamId]) as { n: number }).n
      const [first, second, third] = [rowOf(owing), rowOf(done), rowOf(late)]
      const lanes = JSON.stringify({ [target()]: { done: 1 } })
      const fence = version === 5 ? [] : [7]
      db.exec(`${JOURNAL}; ${UNSENT}`)
      const journal = [
        [[first], [second, [1, null, 5, 5, 1, ...fence]]],
        [[first, [2, lanes, 1, 1, 0, ...fence]]],
        [[second], [third, [1, null, 2, 2, 2, ...fence]]],
      ]
      for (const changes of journal)
        db.prepare('INSERT INTO progress_journal (changes) VALUES (?)').run([JSON.stringify(changes)])
      if (version === 5) db.exec('ALTER TABLE progress DROP COLUMN fence')
      db.exec(`PRAGMA user_version = ${version}`)
      db.close()
      const again = await openStore({ path })
      expect(await again.backlog(10)).toEqual({ streams: 3, isMore: false, oldest: new Date(1) })
      const { claimed } = await again.claimDue({ now: new Date(), limit: 9, except: [] })
      expect(claimed.map(({ streamId }) => streamId).sort()).toEqual(
        [owing, other, late].map(({ streamId }) => streamId).sort(),
      )
      const known = claimed.find(({ streamId }) => streamId === owing.streamId)
      expect([known?.scanned, known?.lanes]).toEqual([2, JSON.parse(lanes)])
    },
  )

  test('of version 7 is brought up, and keeps what endpoints show from then on', async () => {
    const path = await temporaryPath()
    const store = await sqliteStore({ path })
    const stream = await talk(store)
    const { entry } = await say(store, stream, { owes: [target()], details: '{"a":1}' })
    await store.close()
    const db = new Database(path)
    db.exec(`${UNSENT}; PRAGMA user_version = 7`)
    db.close()
    const again = await openStore({ path })
    expect(await again.findEntry(stream.clientId, entry.id)).toEqual(entry)
    const [endpoint, sent] = [target(), { parts: [{ ids: ['1:2'], digest: 'abc' }] }]
    await again.recordSent(stream, entry.seq, endpoint, sent)
    expect(await again.findEntry(stream.clientId, entry.id)).toEqual({ ...entry, sent: { [endpoint]: sent } })
  })

  test('of version 8 is brought up, and merges users from then on', async () => {
    const path = await temporaryPath()
    const store = await sqliteStore({ path })
    const [older, younger] = [await talk(store), await talk(store)]
    const other = await talkOf(store, older)
    await store.close()
    const db = new Database(path)
    db.exec(`${UNMERGED}; PRAGMA user_version = 8`)
    db.close()
    const again = await openStore({ path })
    const { clientId, userId } = older
    const made = await talkOf(again, older)
    const user = { id: newId(), clientId, createdAt: new Date() }
    const event = (type: 'user.new' | 'user.merged') => ({
      ...{ id: newId(), type, payload: '{}', at: new Date(), owes: [], claim: false },
    })
    await again.createUser(user, event('user.new'))
    const users = [user.id, userId] as const
    expect(await again.mergeUsers({ clientId, users, event: () => event('user.merged') })).toBeDefined()
    expect((await again.findUser(clientId, user.id))?.id).toBe(userId)
    const listed = await again.walkConversations(clientId, { userId: user.id, limit: 10 })
    expect(listed.map(({ id }) => id)).toEqual([older, other, made].map(({ streamId }) => streamId))
    expect((await again.findUser(younger.clientId, younger.userId))?.id).toBe(younger.userId)
  })

  test('of version 9 is brought up, and has queues from then on', async () => {
    const path = await temporaryPath()
    const store = await sqliteStore({ path })
    const stream = await talk(store)
    await store.close()
    const db = new Database(path)
    db.exec(`${UNQUEUED}; PRAGMA user_version = 9`)
    db.close()
    const again = await openStore({ path })
    const { clientId, streamId } = stream
    const [queueId, at] = [newId(), new Date()]
    await again.enqueue(clientId, queueId, [{ streamId, seq: 1, at }])
    expect(await again.readQueue(clientId, queueId, { after: 0, limit: 9 })).toEqual([
      { n: 1, streamId, seq: 1, at },
    ])
    await again.offerPulls(clientId, [{ webhookId: queueId, streamId, after: 0, upTo: 1, at }], at)
    expect(await again.pullBacklog(clientId, queueId, 9)).toEqual({
      ...{ lanes: 1, isMore: false },
      oldest: at,
    })
    expect((await say(again, stream)).entry.seq).toBe(2)
  })

  test('of version 11 is brought up, and has the lists of what was in it while it is in use', async () => {
    const path = await temporaryPath()
    const store = await sqliteStore({ path })
    const clientId = newId()
    const first = await talk(store, clientId)
    const second = await talk(store, clientId)
    const gone = await talk(store, clientId)
    const channel = { name: 'telegram', custom: false }
    const mapped = await store.mapEndpoint({
      ...{ clientId, channel, endpoint: { identity: 'bot', sender: 'ann', thread: '*' }, at: new Date() },
      ids: { user: newId(), conversation: newId(), endpoint: newId() },
      events: { user: () => event('user.new'), conversation: () => event('conversation.new') },
    })
    await store.deleteConversation(clientId, gone.streamId, event('conversation.deleted'))
    const later = (hours: number) => new Date(Date.now() + hours * 3_600_000)
    const dead = { reason: 'exhausted', attempts: 2, at: later(0), label: 'url' } as const
    const [own, other] = [target(), target()]
    for (let i = 0; i < 300; i += 1) {
      const { entry } = await say(store, i % 2 === 0 ? first : second, { at: later(i % 2) })
      for (const each of [own, other]) await store.bury(entry, entry.seq, each, dead)
    }
    await store.close()
    const db = new Database(path)
    db.exec(`${UNLISTED}; PRAGMA user_version = 11`)
    db.close()
    const again = await openStore({ path })
    // What happens in the meantime is neither lost nor listed twice.
    const { entry } = await say(again, first, { at: later(2) })
    await again.bury(entry, entry.seq, own, { ...dead, at: later(3) })
    await expect
      .poll(async () => (await again.walkDead(clientId, { limit: 1000 })).length, { timeout: 10_000 })
      .toBe(601)
    const ids = async (page: { channel?: string }) =>
      (await again.recentConversations(clientId, { limit: 9, ...page })).map(({ id }) => id)
    const all = [first.streamId, second.streamId, mapped.conversationId]
    await expect.poll(() => ids({}), { timeout: 10_000 }).toEqual(all)
    expect(await ids({ channel: 'telegram' })).toEqual([mapped.conversationId])
    const { letters } = await again.findDead(clientId, { target: own, limit: 1 })
    expect(letters.map((letter) => letter.entry.id)).toEqual([entry.id])
    const left = new Database(path)
    onTestFinished(() => void left.close())
    await expect
      .poll(() => left.prepare('SELECT count(*) AS count FROM backfill').get([]), { timeout: 10_000 })
      .toMatchObject({ count: 0 })
  })

  test('is refused when it is none', async () => {
    const path = await temporaryPath()
    await mkdir(dirname(path))
    await writeFile(path, 'no database, but longer than the header of one would be'.repeat(100))
    await expect(sqliteStore({ path })).rejects.toSatisfy((error) => isPlugboardError(error, 'UNAVAILABLE'))
  })
})

/** As version 12 was. */
const UNOWED = 'DROP INDEX progress_owed'
/** As version 11 was. */
const UNLISTED = `${UNOWED}; DROP TABLE activity; DROP TABLE dead; DROP TABLE backfill; DROP INDEX progress_of_client`
/** As version 9 was. */
const UNQUEUED = `${UNLISTED}; DROP TABLE attempts; DROP TABLE prompt_attempts; DROP TABLE queued; DROP TABLE pulls`
/** As version 8 was. */
const UNMERGED = `${UNQUEUED}; DROP INDEX streams_merged; ALTER TABLE streams DROP COLUMN merged`
/** As version 7 was. */
const UNSENT = `${UNMERGED}; ALTER TABLE entries DROP COLUMN sent`
/** As versions 4 to 6 had it. */
const JOURNAL = 'CREATE TABLE progress_journal (n INTEGER PRIMARY KEY, changes TEXT NOT NULL) STRICT'

/** Reads the file after its writer is gone: all it acknowledged is there, without a hole, and nothing is half. */
async function inspect(path: string, acknowledged: readonly Entry[]): Promise<void> {
  const store = await openStore({ path })
  const streams = new Map(acknowledged.map(({ clientId, streamId }) => [streamId, { clientId, streamId }]))
  const { streams: owing } = await store.backlog(1e6)
  expect(owing).toBeGreaterThanOrEqual(streams.size)
  const { claimed } = await store.claimDue({ now: new Date(), limit: 1e6, except: [] })
  expect(claimed.length).toBe(owing)
  for (const stream of claimed) {
    const entries = await store.readEntries(stream, 0, 1e6)
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1))
    expect(entries.length).toBe(stream.seq)
    if (!stream.userId) throw new Error('a stream without a user')
    const user = await store.findUser(stream.clientId, stream.userId)
    expect(user).toBeDefined()
    streams.delete(stream.streamId)
  }
  expect(streams.size).toBe(0)
  for (const { clientId, id, seq, payload } of acknowledged) {
    expect(await store.findEntry(clientId, id)).toMatchObject({ seq, payload })
  }
  const last = acknowledged.at(-1) as Entry
  const { seq } = claimed.find(({ streamId }) => streamId === last.streamId) ?? { seq: 0 }
  if (last.type === 'message') expect((await say(store, last)).entry.seq).toBe(seq + 1)
}

test('the file itself is up to date soon after a write, without its log', async () => {
  const path = await temporaryPath()
  const store = await openStore({ path, checkpointMs: 20 })
  await store.putMeta('key', 'value')
  const copy = join(await temporaryPath())
  await mkdir(dirname(copy))
  const inCopy = async () => {
    await copyFile(path, copy)
    const alone = new Database(copy)
    const row = alone.prepare("SELECT count(*) AS count FROM meta WHERE value = 'value'").get()
    alone.close()
    return row
  }
  await expect.poll(inCopy, { timeout: 10_000 }).toMatchObject({ count: 1 })
})

describe('after a crash', () => {
  test.each([1, 300, 2000])(
    'everything acknowledged is there, and nothing is half (killed after %i)',
    async (many) => {
      const path = await temporaryPath()
      const { next, kill } = start(path, 'write')
      expect(await next()).toBe('opened')
      const acknowledged: Entry[] = []
      while (acknowledged.length < many) acknowledged.push(await next())
      await kill()
      for (let entry = await next(); entry; entry = await next()) acknowledged.push(entry)
      await inspect(path, acknowledged)
    },
  )

  test('a full disk fails what does not fit with UNAVAILABLE, and keeps the rest', async () => {
    const path = await temporaryPath()
    const { next, exit } = start(path, 'write', 'ulimit -f 4000')
    expect(await next()).toBe('opened')
    const acknowledged: Entry[] = []
    let line = await next()
    for (; line && !line.failed; line = await next()) acknowledged.push(line)
    expect(new Set(line.failed)).toEqual(new Set(['UNAVAILABLE']))
    expect(acknowledged.length).toBeGreaterThan(100)
    await exit
    await inspect(path, acknowledged)
  })

  test('a conversation goes on in another process', async () => {
    const path = await temporaryPath()
    const store = await sqliteStore({ path })
    const stream = await talk(store)
    await say(store, stream)
    await store.close()
    expect((await say(await openStore({ path }), stream)).entry.seq).toBe(3)
  })
})
