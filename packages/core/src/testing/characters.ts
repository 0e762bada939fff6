/** The halves of pairs, which are no characters. */
const SURROGATES = { first: 0xd800, count: 0x800 }

/**
 * Every character of Unicode by its number, for any text in property-based tests:
 *
 * ```ts
 * fc.string({ unit: fc.nat(characters.max).map(characters.at, characters.indexOf) })
 * ```
 *
 * These are the texts of `fc.string({ unit: 'binary' })`, which makes a table of all characters first: a second of the
 * processor in each process.
 */
export const characters = {
  /** The highest number. */
  max: 0x10ffff - SURROGATES.count,

  at: (index: number): string =>
    String.fromCodePoint(index < SURROGATES.first ? index : index + SURROGATES.count),

  /** @throws TypeError for what is not one character */
  indexOf(character: unknown): number {
    const code = typeof character === 'string' ? (character.codePointAt(0) ?? -1) : -1
    const index = code < SURROGATES.first ? code : code - SURROGATES.count
    if (code < 0 || index < 0 || characters.at(index) !== character)
      throw new TypeError('it is not one character')
    return index
  },
}
