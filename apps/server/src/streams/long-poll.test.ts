import type { LivePage } from '@plugboard/hub'
import { expect, test } from 'vitest'
import { longPoll } from './long-poll.js'

async function* pagesOf(...pages: LivePage[]): AsyncGenerator<LivePage, void, void> {
  yield* pages
}

const typing = { type: 'conversation.activity', data: '{"type":"conversation.activity"}', text: '' }
const poll = (first: LivePage, ...pages: LivePage[]) =>
  longPoll({ first, pages: pagesOf(...pages), print: () => typing, mayContinue: () => true })

const reset = { oldest: '5' }
const none = { events: [], position: '3' }

test.each([
  ['at once', [{ reset }]],
  ['while it is read', [none, { reset }]],
] as const)('says that the position is no longer kept: %s', async (_, [first, ...pages]) => {
  expect(JSON.parse(await poll(first, ...pages))).toEqual({ events: [], position: '5', reset })
})

test('gives the last position when no event comes', async () => {
  expect(JSON.parse(await poll(none, { events: [], position: '4' }))).toEqual({ events: [], position: '4' })
})
