import { isUrl, type Json, type JsonObject, truncate } from '@plugboard/core'
import { TOKEN_FIELD } from './choice.js'
import { MAX_BUTTONS, MAX_ITEM, MAX_LABEL, MAX_ROW, MAX_URL } from './limits.js'
import { clean, type Run } from './markdown.js'

/** A text without meaning in any language, where Teams requires one. */
export const NOTHING = '…'

/** Shortens a text to `max` UTF-16 units. Never blank. */
export function cut(text: string, max: number): string {
  const words = clean(text).replace(/\s+/g, ' ').trim()
  if (words === '') return NOTHING
  return words.length <= max ? words : `${truncate(words, max - 1)}…`
}

/** A picture is fetched by Teams, by https only. */
export const isPicture = (url: string): boolean =>
  url.length <= MAX_URL && isUrl(url) && new URL(url).protocol === 'https:'

/**
 * Lines of a text. Texts of `RichTextBlock` are shown to the letter, unlike those of `TextBlock`, which are Markdown.
 * https://adaptivecards.io/explorer/RichTextBlock.html
 */
export function textBlocks(lines: readonly Run[][], style: JsonObject = {}): JsonObject[] {
  const shown = lines.map((runs) => runs.filter(({ text }) => text !== ''))
  return shown.flatMap((runs, i) => {
    if (runs.every(({ text }) => text.trim() === '')) return []
    const isNewParagraph = i > 0 && (shown[i - 1]?.length ?? 0) === 0
    return [
      {
        type: 'RichTextBlock',
        inlines: runs.map((run) => ({ ...textRun(run), ...style })),
        ...(i > 0 && { spacing: isNewParagraph ? 'Default' : 'None' }),
      },
    ]
  })
}

const textRun = ({ text, isStrong, isEmphasis, isStruck, isCode, url }: Run): JsonObject => ({
  type: 'TextRun',
  text,
  ...(isStrong && { weight: 'Bolder' }),
  ...(isEmphasis && { italic: true }),
  ...(isStruck && { strikethrough: true }),
  ...(isCode && { fontType: 'Monospace' }),
  ...(url !== undefined && { selectAction: { type: 'Action.OpenUrl', url } }),
})

export const image = (url: string, altText: string): JsonObject => ({
  type: 'Image',
  url: new URL(url).href,
  altText: cut(altText, MAX_ITEM),
  // Opens in full size.
  msTeams: { allowExpand: true },
})

/** A button that says its words in the chat, as if the person had written them. */
export const sayButton = (label: string, token: string): JsonObject => {
  const title = cut(label, MAX_LABEL)
  const msteams = { type: 'messageBack', displayText: title, text: title, value: { [TOKEN_FIELD]: token } }
  return { type: 'Action.Submit', title, data: { msteams } }
}

/** A button that shows nothing in the chat. */
export const quietButton = (label: string, token: string): JsonObject => ({
  type: 'Action.Submit',
  title: cut(label, MAX_LABEL),
  data: { [TOKEN_FIELD]: token },
})

export const linkButton = (label: string, url: string): JsonObject => ({
  type: 'Action.OpenUrl',
  title: cut(label, MAX_LABEL),
  url: new URL(url).href,
})

/** Rows of buttons. */
export const buttonRows = (actions: readonly JsonObject[]): JsonObject[] =>
  Array.from({ length: Math.ceil(Math.min(actions.length, MAX_BUTTONS) / MAX_ROW) }, (_, i) => ({
    type: 'ActionSet',
    actions: actions.slice(i * MAX_ROW, (i + 1) * MAX_ROW),
  }))

/** A menu, and the button that sends what was chosen. */
export const menu = (options: readonly { label: string; value: string }[]): JsonObject[] => [
  {
    type: 'Input.ChoiceSet',
    id: TOKEN_FIELD,
    style: 'compact',
    isRequired: true,
    errorMessage: '↑',
    choices: options.map(({ label, value }) => ({ title: cut(label, MAX_ITEM), value })),
  },
  { type: 'ActionSet', actions: [{ type: 'Action.Submit', title: 'OK' }] },
]

/** https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference#adaptive-card */
export const adaptiveCard = (body: JsonObject[]): JsonObject => ({
  contentType: 'application/vnd.microsoft.card.adaptive',
  content: {
    type: 'AdaptiveCard',
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    version: '1.5',
    body: body as Json,
  },
})
