import { characters } from '@plugboard/core/testing'
import fc from 'fast-check'

const character = fc.nat(characters.max).map(characters.at, characters.indexOf)

/** All that is special somewhere: Markdown, MarkdownV2, HTML, pairs and halves, both directions, no width. */
const special = [
  ...'*_~`[]()<>#+-=|{}.!\\&"\'\n\t /:@',
  ...'** __ ``` ~~ ]( ![ <b> </b> &amp; word snake_case_name ada@example.com שלום مرحبا 世界 👋🏽 👨‍👩‍👧'.split(
    ' ',
  ),
  ...['> ', '\n- ', '\n1. ', '\n\n', '    ', '[a]: /b', '2 * 3', 'https://example.com/a_(b)'],
  ...['\ud83d', '\udc4b', '\u200f', '\u202e', '\u200b', '\u0301', '\u0000', '\u2028', '\ufeff', '\u2800'],
]

/** Pieces of a text that nobody would write, and that a bot may send. */
export const wildPieces = fc.array(
  fc.oneof(fc.constantFrom(...special), fc.string({ unit: character, maxLength: 5 })),
  { maxLength: 60 },
)

export const wildText = wildPieces.map((pieces) => pieces.join(''))
