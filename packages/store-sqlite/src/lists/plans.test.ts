import { newId } from '@plugboard/core'
import type { DeadFilter } from '@plugboard/hub'
import { expect, onTestFinished, test } from 'vitest'
import { openStore, say, talk, target, temporaryPath } from '../../test/temporary.js'
import { openDatabase } from '../database/database.js'
import type { Connection } from '../database/sql.js'
import { Lists } from './lists.js'

/** The same connection, which notes what is prepared. */
function noting(db: Connection, notes: string[]): Connection {
  const prepare = (sql: string) => {
    notes.push(sql)
    return db.prepare(sql)
  }
  return new Proxy(db, { get: (it, name) => (name === 'prepare' ? prepare : Reflect.get(it, name)) })
}

/** The steps of a query that look at more than they need, or that put rows in order. */
function costs(db: Connection, sql: string): string[] {
  const steps = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(Array(sql.split('?').length - 1).fill(null))
  return (
    steps
      .map((step) => (step as { detail: string }).detail)
      // All streams of a client are too many as well.
      .filter((detail) => /^SCAN|TEMP B-TREE|streams_by_id \(client=\?\)/.test(detail))
      .filter((detail) => !/^SCAN (\(subquery|json_each)/.test(detail))
      // The newest entries of one conversation, which are few.
      .filter((detail) => detail !== 'SCAN e' || !sql.includes('LIMIT 100) e'))
  )
}

test('no list of operators scans a table, or puts rows in order', async () => {
  const path = await temporaryPath()
  const { db, close } = openDatabase(path)
  onTestFinished(close)
  const queries: string[] = []
  const find = () => undefined
  const lists = new Lists(noting(db, queries), { find } as never, { find, findRecord: find } as never)
  const clientId = newId()
  lists.recent(clientId, { limit: 10 })
  expect(queries.length).toBeGreaterThan(10)
  expect(queries.flatMap((sql) => costs(db, sql).map((cost) => [cost, sql]))).toEqual([])
  expect(costs(db, 'SELECT 1 FROM dead WHERE reason = ? ORDER BY at')).toHaveLength(2)
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
