import { type Inline, link, type Style, words } from './rich-text.js'

/**
 * What a text may contain in Slack's own form: mentions of a person, a channel and a group, and links. A mention of
 * everyone (`<!channel>`) is not among them, because texts of people may be in the text of a bot.
 * https://docs.slack.dev/messaging/formatting-message-text
 */
const FORM =
  /<(?:@([UW][A-Z0-9]{1,30})|#([CG][A-Z0-9]{1,30})|!subteam\^(S[A-Z0-9]{1,30})|((?:https?:\/\/|mailto:|tel:)[^\s<>|]{1,3000}))(?:\|([^<>|\n]{0,1000}))?>/g

export const hasSlackForm = (text: string): boolean => text.search(FORM) >= 0

/** A text as pieces, with mentions and links in Slack's own form. `plain` makes pieces of the text between them. */
export function fromSlackForm(
  text: string,
  style: Style = {},
  plain: (text: string) => Inline[] = (text) => words(text, style),
): Inline[] {
  const pieces: Inline[] = []
  let end = 0
  for (const match of text.matchAll(FORM)) {
    pieces.push(...plain(text.slice(end, match.index)), ...pieceOf(match, style))
    end = match.index + match[0].length
  }
  pieces.push(...plain(text.slice(end)))
  return pieces
}

function pieceOf(match: RegExpExecArray, style: Style): Inline[] {
  const [whole, user_id, channel_id, usergroup_id, url, label = ''] = match
  const styled = Object.keys(style).length > 0 && { style }
  if (user_id) return [{ type: 'user', user_id, ...styled }]
  if (channel_id) return [{ type: 'channel', channel_id, ...styled }]
  if (usergroup_id) return [{ type: 'usergroup', usergroup_id, ...styled }]
  return url ? link(url, label.trim(), style) : words(whole, style)
}

/** Characters for private use, around the number of a form that is hidden from the parser of Markdown. */
const [OPEN, CLOSE] = ['\uE000', '\uE001']
const HIDDEN = /\uE000(\d{1,5})\uE001/g

/**
 * Hides the mentions and the labelled links in a Markdown text, which the parser would take for markup. An address in
 * `<…>` alone is a link in Markdown too. `show` puts them back.
 */
export function hideSlackForm(markdown: string): { hidden: string; show(text: string): string } {
  const forms: string[] = []
  if (markdown.includes(OPEN) || markdown.includes(CLOSE)) return { hidden: markdown, show: (text) => text }
  const hidden = markdown.replace(FORM, (whole, ...groups: unknown[]) => {
    const [url, label] = [groups[3], groups[4]]
    const at = Number(groups[5])
    const isMarkup =
      markdown[at - 1] === '\\' || /\](?:\(|:\s?)$/.test(markdown.slice(Math.max(at - 3, 0), at))
    if (isMarkup || (url !== undefined && !label)) return whole
    forms.push(whole)
    return `${OPEN}${forms.length - 1}${CLOSE}`
  })
  return { hidden, show: (text) => text.replace(HIDDEN, (whole, i: string) => forms[Number(i)] ?? whole) }
}
