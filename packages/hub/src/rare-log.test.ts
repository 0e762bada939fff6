import { silentLogger } from '@plugboard/core'
import { expect, test } from 'vitest'
import { rareLog } from './rare-log.js'

test('what many meet again and again is logged once a minute, with how many lines were left out', () => {
  const lines: unknown[] = []
  let ms = 0
  const keep = (context: object, message: string) => void lines.push([message, context])
  const log = rareLog({ ...silentLogger, warn: keep, error: keep }, () => new Date(ms))
  for (let n = 0; n < 100; n += 1, ms += 250) log.warn({ n }, 'cannot read')
  log.error({}, 'cannot write')
  expect(lines).toEqual([
    ['cannot read', { n: 0 }],
    ['cannot write', {}],
  ])
  ms = 60_000
  log.warn({ n: 100 }, 'cannot read')
  expect(lines.at(-1)).toEqual(['cannot read', { n: 100, omitted: 99 }])
  ms = 120_000
  log.warn({ n: 101 }, 'cannot read')
  expect(lines.at(-1)).toEqual(['cannot read', { n: 101 }])
})
