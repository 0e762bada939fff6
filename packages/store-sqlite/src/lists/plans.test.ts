import { newId } from '@plugboard/core'
import type { DeadFilter } from '@plugboard/hub'
import Database from 'libsql'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openStore, say, talk, target, temporaryPath } from '../../test/temporary.js'
import { type Connection, toBytes } from '../database/sql.js'

/** Every statement that the store prepares, at its start and when the first list is read. */
async function statementsOf(path: string): Promise<string[]> {
  const prepare = vi.spyOn(Database.prototype, 'prepare')
  onTestFinished(() => prepare.mockRestore())
  const store = await openStore({ path })
  await store.recentConversations(newId(), { limit: 10 })
  await store.close()
  const statements = prepare.mock.calls.map(([sql]) => sql.replaceAll(/\s+/g, ' ').trim())
  prepare.mockRestore()
  return [...new Set(statements)].filter((sql) => !sql.startsWith('PRAGMA'))
}

/** The steps of a statement that look at more than they need, or that put rows in order. */
function costs(db: Connection, sql: string): string[] {
  // Those with numbered parameters take fewer.
  const count = sql.includes('?1')
    ? Math.max(...(sql.match(/\?\d/g) ?? []).map((n) => Number(n[1])))
    : sql.split('?').length - 1
  const steps = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(Array(count).fill(null))
  return (
    steps
      .map((step) => (step as { detail: string }).detail)
      // All streams of a client are too many as well.
      .filter((detail) => /^SCAN|TEMP B-TREE|streams_by_id \(client=\?\)$/.test(detail))
      .filter((detail) => !/^SCAN (\(subquery|json_each|place VIRTUAL TABLE|CONSTANT ROW)/.test(detail))
  )
}

/** What looks at a whole table, or puts rows in order, and may. */
const ALLOWED: readonly [statement: RegExp, reason: string][] = [
  [
    /FROM progress INDEXED BY progress_owed LIMIT \?/,
    'ends at its limit, in an index of a few bytes for each stream',
  ],
  [/^UPDATE progress SET next_at = \?, hold = 0 WHERE hold <> 0$/, 'once, when the store is opened'],
  [/FROM attempts ORDER BY n LIMIT \?\) WHERE at < \?\)$/, 'ends at its limit'],
  [/FROM backfill ORDER BY name LIMIT 1$/, 'of a table with two rows at most'],
  [/LIMIT \?\)\) WHERE before < \d+\)/, 'puts the first rows in order, up to its limit'],
  [/ORDER BY seq DESC LIMIT 100\) e/, 'of the newest entries of one conversation, which are few'],
  [
    /^SELECT json_array\(n, .*WHERE client = unhex\(\?\) ORDER BY id DESC LIMIT 1$/,
    'the first one of an index',
  ],
]

test('no statement of the store scans a table, or puts rows in order', async () => {
  const path = await temporaryPath()
  const statements = await statementsOf(path)
  expect(statements.length).toBeGreaterThan(130)
  const db = new Database(path)
  onTestFinished(() => void db.close())
  const costly = statements.filter((sql) => costs(db, sql).length > 0)
  expect(costly.filter((sql) => !ALLOWED.some(([statement]) => statement.test(sql)))).toEqual([])
  expect(ALLOWED.filter(([statement]) => !costly.some((sql) => statement.test(sql)))).toEqual([])
  for (const sql of [
    'SELECT 1 FROM dead WHERE reason = ? ORDER BY at',
    `SELECT 1 FROM streams WHERE client = ${toBytes}`,
    'SELECT 1 FROM entries WHERE stream = ? ORDER BY at',
  ])
    expect(costs(db, sql)).not.toEqual([])
})

test('a page of dead letters is read in bounded time, however few of many match', async () => {
  const store = await openStore({ path: await temporaryPath() })
  const { clientId, streamId } = await talk(store)
  const to = target()
  const said = await Promise.all(Array.from({ length: 2501 }, () => say(store, { clientId, streamId })))
  const dead = { reason: 'exhausted', attempts: 1, at: new Date(), label: 'url', channel: 'web' } as const
  const of = (index: number) => (index === 0 ? ({ ...dead, reason: 'gone', at: new Date(0) } as const) : dead)
  await Promise.all(said.map(({ entry }, index) => store.bury(entry, entry.seq, to, of(index))))
  const filter: DeadFilter = { channel: 'web', reason: 'gone' }
  const first = await store.findDead(clientId, { ...filter, limit: 10 })
  expect(first.letters).toEqual([])
  let pages = 1
  let page = first
  while (page.next && page.letters.length === 0) {
    page = await store.findDead(clientId, { ...filter, limit: 10, before: page.next })
    pages += 1
  }
  expect([page.letters.length, pages, page.next]).toEqual([1, 3, undefined])
})
