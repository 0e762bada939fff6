import { type Alias, type Id, isId, parseJsonObject } from '@plugboard/core'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Entry } from '../../src/log/entry.js'
import type { Store } from '../../src/ports/store.js'

/** How somebody who has a telephone number and an id may be named by an event. */
interface Way {
  sender: string
  aliases?: readonly Alias[]
}

export const PHONE = '+1555'
export const phone: Alias = { sender: PHONE, isReassignable: true }

/** By the telephone number, by the id, and by both, told in either way. */
export const ways: readonly Way[] = [
  { sender: PHONE },
  { sender: 'id' },
  { sender: 'id', aliases: [phone] },
  { sender: PHONE, aliases: [{ sender: 'id' }, phone] },
]
export const [, , byBoth] = ways as [Way, Way, Way, Way]

/** A message, and the process that gets it. */
export interface Writing {
  way: Way
  thread: string
  process: number
}

/** What one person writes, through three processes. */
export const writings: fc.Arbitrary<Writing[]> = fc.array(
  fc.record({
    way: fc.constantFrom(...ways),
    thread: fc.constantFrom('*', '*', 'room'),
    process: fc.nat(2),
  }),
  { minLength: 2, maxLength: 10 },
)

/** The messages of one user, and nothing lost, doubled or out of order. Each has the number of what was written as its text. */
export async function expectOnePerson(
  store: Store,
  clientId: Id,
  entries: readonly Entry[],
  written: readonly { process: number }[],
): Promise<void> {
  const messages = entries.filter(({ type }) => type === 'message')
  const numbers = messages.map(numberOf)
  expect([...numbers].sort((a, b) => a - b)).toEqual(written.map((_, i) => i))
  const users = new Set<Id>()
  for (const { author } of messages)
    if (typeof author === 'object') users.add((await store.findUser(clientId, author.userId))?.id as Id)
  expect([...users].filter(isId)).toHaveLength(1)
  const [userId] = users
  const conversations = await store.walkConversations(clientId, { limit: 100 })
  expect(conversations.map((each) => each.userId)).toEqual(conversations.map(() => userId))
  const created = entries.filter(({ type }) => type === 'user.new').length
  expect(entries.filter(({ type }) => type === 'user.merged')).toHaveLength(created - 1)
  for (const { id } of conversations) {
    for (const process of [0, 1, 2]) {
      const own = messages
        .filter(({ streamId }) => streamId === id)
        .map(numberOf)
        .filter((number) => written[number]?.process === process)
      expect(own).toEqual([...own].sort((a, b) => a - b))
    }
  }
}

const numberOf = ({ payload }: Entry): number => Number(parseJsonObject(payload).text)
