import { z } from 'zod'

const emojiSchema = z.object({
  type: z.literal('emoji'),
  name: z.string(),
  unicode: z.string(),
  skin_tone: z.number().optional(),
})

/** Levels of elements in a block: a list has sections, a section has emoji. */
const MAX_LEVELS = 4

/** The emoji in a message's blocks, by name: a text has only the names, the blocks have the code points. */
export function emojiIn(blocks: unknown, levels = MAX_LEVELS): Map<string, string> {
  const found = new Map<string, string>()
  if (!Array.isArray(blocks) || levels === 0) return found
  for (const block of blocks) {
    if (typeof block !== 'object' || block === null) continue
    if ('type' in block && block.type === 'emoji') {
      const { success, data } = emojiSchema.safeParse(block)
      const character = success ? emojiOf(data.unicode) : undefined
      if (success && character)
        found.set(data.skin_tone ? `${data.name}::skin-tone-${data.skin_tone}` : data.name, character)
    }
    for (const [name, each] of emojiIn(Reflect.get(block, 'elements'), levels - 1)) found.set(name, each)
  }
  return found
}

/** Slack writes the code points in hexadecimal: `1f44b-1f3fb`. Undefined for an emoji of the workspace itself. */
export function emojiOf(unicode: unknown): string | undefined {
  if (typeof unicode !== 'string') return undefined
  const points = unicode
    .split('-')
    .map((hex) => (/^[0-9a-f]{2,6}$/i.test(hex) ? Number.parseInt(hex, 16) : -1))
  const areValid = points.every(
    (point) => point >= 0 && point <= 0x10_ff_ff && (point < 0xd8_00 || point > 0xdf_ff),
  )
  return areValid ? String.fromCodePoint(...points.slice(0, 20)) : undefined
}
