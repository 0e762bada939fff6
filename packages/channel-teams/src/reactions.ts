/** Reactions with a name. https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/subscribe-to-conversation-events#message-reaction-events */
const NAMED: ReadonlyMap<string, string> = new Map([
  ['like', '👍'],
  ['heart', '❤️'],
  ['laugh', '😆'],
  ['surprised', '😮'],
  ['sad', '😢'],
  ['angry', '😠'],
  ['plusOne', '👍'],
  ['launch', '🚀'],
])
const TONES = ['🏻', '🏼', '🏽', '🏾', '🏿']

/**
 * The emoji of a reaction: `like`, `1f440_eyes`, `1f44b_wavinghand-tone3`. One of another form is shown by its name.
 * https://learn.microsoft.com/microsoftteams/platform/teams-sdk/in-depth-guides/message-reactions
 */
export function emojiOf(type: string): string {
  const [, name = type, tone] = /^(.*)-tone([1-5])$/.exec(type) ?? []
  const skin = tone === undefined ? '' : (TONES[Number(tone) - 1] ?? '')
  const known = NAMED.get(name)
  if (known !== undefined) return known + skin
  const points = /^([0-9a-f]{4,6}(?:-[0-9a-f]{4,6})*)_/.exec(name)?.[1]?.split('-') ?? []
  const codes = points.map((point) => Number.parseInt(point, 16))
  const isText =
    codes.length > 0 && codes.every((code) => code <= 0x10ffff && (code < 0xd800 || code > 0xdfff))
  if (isText) return String.fromCodePoint(...codes) + skin
  return `:${(name.replace(/[^\w-]/g, '') || 'reaction').slice(0, 60)}:`
}
