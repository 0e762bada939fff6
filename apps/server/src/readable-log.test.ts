import { stripVTControlCharacters } from 'node:util'
import { newId, toUuid } from '@plugboard/core'
import { expect, test } from 'vitest'
import { createLog } from './logging.js'
import { forPeople, readable } from './readable-log.js'

function capture() {
  const lines: string[] = []
  const log = createLog('info', forPeople({ write: (text) => lines.push(stripVTControlCharacters(text)) }))
  return { log, output: () => lines.join('') }
}

test('shows a record in one line: time, level, message, members', () => {
  const { log, output } = capture()
  const clientId = newId()
  log.warn({ clientId, error: 'answered 500', attempts: 2 }, 'delivery failed; will retry')
  expect(output()).toMatch(
    new RegExp(
      `^\\d\\d:\\d\\d:\\d\\d warn  delivery failed; will retry clientId=${toUuid(clientId)} error="answered 500" attempts=2\\n$`,
    ),
  )
})

test('shows the stack of an error below the line', () => {
  const { log, output } = capture()
  log.error({ err: new Error('no') }, 'failed')
  expect(output()).toMatch(/ error failed\n {6}Error: no\n {10}at /)
})

test('shows no control character of a value', () => {
  const line = JSON.stringify({
    level: 30,
    time: new Date().toISOString(),
    msg: 'a\u001b[2J',
    x: '\u001b]0;y\u0007\u009b',
  })
  expect(stripVTControlCharacters(readable(`${line}\n`))).toContain(
    'a\\u001b[2J x="\\u001b]0;y\\u0007\\u009b"',
  )
})

test('leaves what is not a record as it is', () => {
  for (const line of ['text\n', '7\n', '{"a":1}\n']) expect(readable(line)).toBe(line)
})
