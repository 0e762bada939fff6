import type { Id } from '@plugboard/core'
import type { Range } from '../../log/page.js'

/** The items between two ids in order of id, from the end that is asked for. `cut` says how many are on a page. */
export function rangeOf<T extends { id: Id }>(
  items: Iterable<T>,
  { after, before, fromEnd, limit }: Range,
  cut = (all: T[]): T[] => all.slice(0, limit),
): T[] {
  const between = [...items].filter(
    ({ id }) => (after === undefined || id > after) && (before === undefined || id < before),
  )
  between.sort((a, b) => (a.id < b.id ? -1 : 1))
  return fromEnd ? cut(between.reverse()).reverse() : cut(between)
}
