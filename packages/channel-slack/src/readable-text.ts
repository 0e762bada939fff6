import { z } from 'zod'

/** In a text of Slack, `<…>` is a mention, a link or a command. The characters `&`, `<` and `>` are escaped. */
const CONTROL = /<([^<>\s][^<>]*)>/g
const ENTITY = /&(amp|lt|gt);/g
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>' }

export const unescapeText = (text: string): string =>
  text.replace(ENTITY, (whole, name: string) => entities[name] ?? whole)

/**
 * A text of Slack as a person reads it: mentions by name if Slack sends it, else by id, links as `label (url)`, and
 * emoji as characters if they are in `emoji`. https://docs.slack.dev/messaging/formatting-message-text
 */
export function readable(text: string, emoji: ReadonlyMap<string, string> = new Map()): string {
  const words = text.replace(CONTROL, (_, inner: string) => readableControl(inner))
  return unescapeText(emoji.size > 0 ? withEmoji(words, emoji) : words)
}

function readableControl(inner: string): string {
  const [target = '', ...labels] = inner.split('|')
  const label = labels.join('|')
  const name = target.slice(1)
  switch (target[0]) {
    case '@':
      return `@${(label || name).replace(/^@/, '')}`
    case '#':
      return `#${(label || name).replace(/^#/, '')}`
    case '!':
      // Broadcasts have no label, `<!date^…|label>` and `<!subteam^…|@label>` do.
      return label || `@${name.split('^')[0]}`
    default:
      return readableLink(target, label)
  }
}

function readableLink(url: string, label: string): string {
  const address = url.replace(/^(mailto|tel):/, '')
  const shown = url.replace(/^https?:\/\//, '')
  if (label === '' || label === url || label === address) return address
  return label === shown || `${label}/` === shown ? url : `${label} (${address})`
}

/** A skin tone follows as a name of its own: `:wave::skin-tone-2:`. */
const withEmoji = (text: string, emoji: ReadonlyMap<string, string>): string =>
  text.replace(
    /:([\w+'-]{1,100}):(?::(skin-tone-[2-6]):)?/g,
    (whole, name: string, tone?: string) =>
      (tone && emoji.get(`${name}::${tone}`)) || emoji.get(name) || whole,
  )

const emojiElement = z.object({
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
    const { success, data } = emojiElement.safeParse(block)
    const character = success ? fromCodePoints(data.unicode) : undefined
    if (success && character) {
      found.set(data.skin_tone ? `${data.name}::skin-tone-${data.skin_tone}` : data.name, character)
    }
    const inner = typeof block === 'object' && block !== null ? Reflect.get(block, 'elements') : undefined
    for (const [name, each] of emojiIn(inner, levels - 1)) found.set(name, each)
  }
  return found
}

/** Slack writes code points in hexadecimal: `1f44b-1f3fb`. */
function fromCodePoints(unicode: string): string | undefined {
  const points = unicode
    .split('-')
    .map((hex) => (/^[0-9a-f]{2,6}$/i.test(hex) ? Number.parseInt(hex, 16) : -1))
  const areValid = points.every(
    (point) => point >= 0 && point <= 0x10_ff_ff && (point < 0xd8_00 || point > 0xdf_ff),
  )
  return areValid ? String.fromCodePoint(...points.slice(0, 20)) : undefined
}
