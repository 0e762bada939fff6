import assert from 'node:assert/strict'
import { types } from 'node:util'
import { type ErrorCode, type Id, isPlugboardError, newId } from '@plugboard/core'
import type { Entry, StreamRef } from '../../log/entry.js'
import type { Page } from '../../log/page.js'
import type { Lease } from '../../log/progress.js'
import { webhookTarget } from '../../log/target.js'
import type { Store } from '../../ports/store.js'

/** Deeply equal, absent members apart from undefined ones; prototypes do not matter. */
export function same(actual: unknown, expected: unknown): void {
  assert.deepStrictEqual(plain(actual), plain(expected))
}

/** A copy of plain objects, so that a row without a prototype equals one with it. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (types.isDate(value)) return new Date(value.getTime())
  if (Array.isArray(value)) return value.map(plain)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

/** The promise fails with this code. */
export async function refuses(code: ErrorCode, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isPlugboardError(error, code), `expected PlugboardError ${code}, got ${String(error)}`)
    return true
  })
}

/** Does something n times at once. */
export function atOnce<T>(n: number, what: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: n }, (_, index) => what(index)))
}

/** What is there, or a failure of the case. */
export function present<T>(value: T | undefined, what = 'something'): T {
  assert.ok(value !== undefined, `expected ${what}, got undefined`)
  return value
}

/** The one item. */
export function only<T>(items: readonly T[]): T {
  assert.equal(items.length, 1)
  return items[0] as T
}

/** Everything that a keyset of pages gives, from the first page to an empty one. */
export async function allPages<T extends { id: Id }>(
  limit: number,
  read: (page: Page) => Promise<T[] | undefined>,
  between: (last: T) => Promise<unknown> = async () => undefined,
): Promise<T[]> {
  const all: T[] = []
  for (;;) {
    const last = all.at(-1)
    if (last) await between(last)
    const page = present(await read({ limit, ...(last && { before: last.id }) }), 'a page')
    assert.ok(page.length <= limit, `${page.length} items on a page of ${limit}`)
    all.push(...page)
    if (page.length === 0) return all
    assert.ok(all.length <= 1000, 'the pages do not end')
  }
}

export const idsOf = (items: readonly { id: Id }[]): Id[] => items.map(({ id }) => id)

/** The numbers follow on `after` without a hole, and times never run against them. Answers the entries. */
export function contiguous(entries: readonly Entry[], after = 0): readonly Entry[] {
  const numbers = entries.map(({ seq }) => seq)
  same(
    numbers,
    entries.map((_, index) => after + 1 + index),
  )
  for (const [index, { at }] of entries.entries()) {
    assert.ok(
      index === 0 || at >= (entries[index - 1] as Entry).at,
      `entry ${index} is older than the one before it`,
    )
  }
  return entries
}

/** A mark is refused, and changes neither what is known nor what is due. */
export async function isLost(store: Store, stream: StreamRef, lease: Lease): Promise<void> {
  const before = await store.findProgress(stream)
  const lanes = { [webhookTarget(newId())]: { done: 2, attempt: 7 } }
  for (const nextAt of ['active', null] as const) {
    same(await store.mark(stream, lease, { scanned: 2, lanes, nextAt }), 'lost')
  }
  same(await store.findProgress(stream), before)
}
