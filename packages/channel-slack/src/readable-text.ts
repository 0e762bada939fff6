/** In a text of Slack, `<…>` is a mention, a link or a command. The characters `&`, `<` and `>` are escaped. */
const CONTROL = /<([^<>\s][^<>]*)>/g
const ENTITY = /&(amp|lt|gt);/g
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>' }

/** Longest text in which names of emoji are replaced, in characters. Slack's own limit is 40,000. */
const MAX_WITH_EMOJI = 100_000

export const unescapeText = (text: string): string =>
  text.replace(ENTITY, (whole, name: string) => entities[name] ?? whole)

/**
 * A text of Slack as a person reads it: mentions by name if Slack sends it, else by id, links as `label (url)`, and
 * emoji as characters if they are in `emoji`. https://docs.slack.dev/messaging/formatting-message-text
 */
export function readable(text: string, emoji: ReadonlyMap<string, string> = new Map()): string {
  const words = text.replace(CONTROL, (_, inner: string) => readableControl(inner))
  const hasEmoji = emoji.size > 0 && words.length <= MAX_WITH_EMOJI
  return unescapeText(hasEmoji ? withEmoji(words, emoji) : words)
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

/** A link as a person reads it: its address alone if the label does not say more. */
export function readableLink(url: string, label: string): string {
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
