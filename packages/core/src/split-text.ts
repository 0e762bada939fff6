/**
 * Positions to cut a text, best first: paragraph, line, sentence, word. Each match ends where the next piece starts. The
 * look-behinds keep each search linear for any text.
 */
const BREAKS = [/\n\n+/g, /\n/g, /(?<=[.!?…])\s+|(?<=[。！？])/g, /\s+/g]

/**
 * Cuts a text into pieces of at most `max` UTF-16 units, at the best place in the second half of each piece, and
 * never inside a surrogate pair (unless `max` is 1). The joined pieces equal the text, except for white space at the cuts.
 */
export function splitText(text: string, max: number): string[] {
  const pieces: string[] = []
  let rest = text
  while (rest.length > max) {
    const at = cutPosition(rest, max)
    const piece = rest.slice(0, at).trimEnd()
    if (piece) pieces.push(piece)
    rest = rest.slice(at).trimStart()
  }
  if (rest || pieces.length === 0) pieces.push(rest)
  return pieces
}

function cutPosition(text: string, max: number): number {
  const window = text.slice(0, max)
  for (const pattern of BREAKS) {
    let best = 0
    for (const match of window.matchAll(pattern)) best = match.index + match[0].length
    if (best > max / 2) return best
  }
  return max > 1 ? truncate(text, max).length : max
}

/** The first `max` UTF-16 units of a text, or one less to avoid splitting a surrogate pair. */
export function truncate(text: string, max: number): string {
  if (text.length <= max) return text
  return text.slice(0, isHighSurrogate(text.charCodeAt(max - 1)) ? max - 1 : max)
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd8_00 && unit <= 0xdb_ff
