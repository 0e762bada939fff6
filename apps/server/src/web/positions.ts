import { type Id, isId } from '@plugboard/core'

/** How far a visitor has read each conversation: the number of its last entry. */
export type Positions = ReadonlyMap<Id, number>

const ID_BYTES = 12
const MAX_CONVERSATIONS = 500

/** As one opaque text: for each conversation its id, and its number in groups of seven bits, the lowest first. */
export function printPositions(positions: Positions): string {
  const parts = [...positions].map(([id, seq]) => Buffer.concat([Buffer.from(id, 'hex'), groupsOf(seq)]))
  return `p${Buffer.concat(parts).toString('base64url')}`
}

/** Undefined for any other text. */
export function parsePositions(text: string): Positions | undefined {
  if (!/^p[\w-]{0,16000}$/.test(text)) return undefined
  const bytes = Buffer.from(text.slice(1), 'base64url')
  const positions = new Map<Id, number>()
  for (let at = 0; at < bytes.length; ) {
    const id = bytes.toString('hex', at, at + ID_BYTES)
    at += ID_BYTES
    let seq = 0
    for (let factor = 1; ; factor *= 128) {
      const group = bytes[at]
      if (group === undefined || factor > 128 ** 7) return undefined
      at += 1
      seq += (group % 128) * factor
      if (group < 128) break
    }
    if (!isId(id) || !Number.isSafeInteger(seq) || positions.size === MAX_CONVERSATIONS) return undefined
    positions.set(id, seq)
  }
  return positions
}

function groupsOf(seq: number): Uint8Array {
  const groups: number[] = []
  let rest = seq
  for (; rest >= 128; rest = Math.floor(rest / 128)) groups.push((rest % 128) + 128)
  return Uint8Array.from([...groups, rest])
}
