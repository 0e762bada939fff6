import { type Action, type JsonObject, truncate } from '@plugboard/core'
import { clean, isVisible, NOTHING } from './formatted.js'
import { MAX_LABEL } from './limits.js'
import { linkTo } from './links.js'

/** A button below a message; `callback_data` may have 64 bytes. */
type Button = { text: string; callback_data: string } | { text: string; url: string }

/** A button that gives its token back when it is pressed. */
export const answerButton = (title: string, token: string): Button => ({
  text: label(title),
  callback_data: token,
})

/** The button of a card; undefined for a link that Telegram refuses. */
export function actionButton(action: Action): Button | undefined {
  switch (action.action) {
    case 'Say something':
      return answerButton(action.title, action.text)
    case 'Postback':
      return answerButton(action.title, action.payload)
    case 'Open URL': {
      const url = linkTo(action.url)
      return url === undefined ? undefined : { text: label(action.title || new URL(url).hostname), url }
    }
  }
}

/** Short labels share a row. */
export function keyboard(buttons: readonly Button[]): JsonObject {
  const longest = Math.max(...buttons.map(({ text }) => text.length))
  const perRow = longest <= 6 ? 4 : longest <= 16 ? 2 : 1
  const rows = Array.from({ length: Math.ceil(buttons.length / perRow) }, (_, i) =>
    buttons.slice(i * perRow, (i + 1) * perRow),
  )
  return { reply_markup: { inline_keyboard: rows } }
}

function label(title: string): string {
  const text = clean(title)
  if (!isVisible(text)) return NOTHING
  return text.length <= MAX_LABEL ? text : `${truncate(text, MAX_LABEL - 1)}…`
}
