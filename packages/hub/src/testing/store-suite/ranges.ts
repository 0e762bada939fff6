import { randomBytes } from 'node:crypto'
import { type Id, newId } from '@plugboard/core'
import type { Range } from '../../log/page.js'
import { idsOf, same } from './assertions.js'

/** So many ids in no order, and two that stand at the ends. */
export const scatteredIds = (count: number): Id[] => [
  ...Array.from({ length: count }, () => randomBytes(12).toString('hex') as Id),
  `${'0'.repeat(23)}1` as Id,
  'f'.repeat(24) as Id,
]

/** Every range over items with these ids gives what is between its bounds, from the end that was asked for. */
export async function keepsRanges(
  ids: readonly Id[],
  read: (range: Range) => Promise<readonly { id: Id }[]>,
): Promise<void> {
  const all = ids.toSorted()
  const bounds = [undefined, all[0], all[Math.floor(all.length / 2)], all.at(-1), newId()]
  const pairs = bounds.flatMap((after) => bounds.map((before) => ({ after, before })))
  for (const { after, before } of pairs) {
    const between = all.filter((id) => (!after || id > after) && (!before || id < before))
    const bounded = { ...(after && { after }), ...(before && { before }) }
    // A limit of two says nothing where there are no more.
    for (const limit of between.length > 2 ? [2, 100] : [100]) {
      const [first, last] = [
        { ...bounded, limit },
        { ...bounded, limit, fromEnd: true },
      ]
      same([first, idsOf(await read(first))], [first, between.slice(0, limit)])
      same([last, idsOf(await read(last))], [last, between.slice(-limit)])
    }
  }
}
