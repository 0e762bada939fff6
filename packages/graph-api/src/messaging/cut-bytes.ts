import { splitText } from '@plugboard/core'

/**
 * Cuts a text into pieces of at most `maxBytes` bytes of UTF-8, where `splitText` would cut, and never inside a character.
 * `maxBytes` is at least 4.
 */
export function cutBytes(text: string, maxBytes: number): string[] {
  const pieces: string[] = []
  let rest = text
  for (let fits = unitsWithin(rest, maxBytes); fits < rest.length; fits = unitsWithin(rest, maxBytes)) {
    const [piece = ''] = splitText(rest.slice(0, fits + 1), fits)
    if (piece) pieces.push(piece)
    // A piece of white space alone is empty.
    rest = rest.slice(piece.length || fits).trimStart()
  }
  if (rest || pieces.length === 0) pieces.push(rest)
  return pieces
}

/** How many UTF-16 units from the start have at most this many bytes. */
function unitsWithin(text: string, maxBytes: number): number {
  let bytes = 0
  let units = 0
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > maxBytes) break
    units += character.length
  }
  return units
}
