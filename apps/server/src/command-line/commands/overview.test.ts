import { expect, test } from 'vitest'
import { linesOf } from './overview.js'

test('a backlog that is not counted to its end has a plus', () => {
  const overview = { status: 'ok', at: '', version: '', troubles: [], hasMoreTroubles: false } as const
  const lines = (isMore: boolean) =>
    linesOf({ ...overview, troubles: [], backlog: { streams: 100_000, isMore, oldestAt: '2026-01-01' } })
  expect(lines(true)).toContain('Pending: 100,000+ conversations, since 2026-01-01')
  expect(lines(false)).toContain('Pending: 100,000 conversations, since 2026-01-01')
})
