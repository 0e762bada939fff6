import type { Action, Choice, JsonObject } from '@plugboard/core'
import { cut, isVisible, isWebUrl } from './escaped-text.js'
import {
  BUTTONS_IN_ROW,
  MAX_BUTTON_URL,
  MAX_LABEL,
  MAX_OPTION_LABEL,
  MAX_OPTIONS,
  MAX_PLACEHOLDER,
} from './limits.js'

/** https://docs.discord.com/developers/components/reference#component-object-component-types */
const [ROW, BUTTON, MENU] = [1, 2, 3]
/** https://docs.discord.com/developers/components/reference#button-button-styles */
const [SECONDARY, LINK] = [2, 5]

/** A button that returns its token when it is pressed. */
export const choiceButton = ({ title, value }: Choice): JsonObject => ({
  type: BUTTON,
  style: SECONDARY,
  label: cut(title, MAX_LABEL),
  custom_id: value,
})

/** The button of a card; undefined for a link that Discord refuses. */
export function actionButton(action: Action): JsonObject | undefined {
  switch (action.action) {
    case 'Say something':
      return choiceButton({ title: action.title, value: action.text })
    case 'Postback':
      return choiceButton({ title: action.title, value: action.payload })
    case 'Open URL': {
      const { title, url } = action
      if (!isWebUrl(url) || url.length > MAX_BUTTON_URL) return undefined
      const label = cut(isVisible(title) ? title : new URL(url).hostname, MAX_LABEL)
      return { type: BUTTON, style: LINK, label, url }
    }
  }
}

/** Rows of buttons. */
export const buttonRows = (buttons: readonly JsonObject[]): JsonObject[] =>
  pagesOf(buttons, BUTTONS_IN_ROW).map((components) => ({ type: ROW, components }))

/** A menu for every 25 options, each in a row. */
export const menuRows = (
  placeholder: string,
  options: readonly { label: string; value: string }[],
): JsonObject[] =>
  pagesOf(options, MAX_OPTIONS).map((page, i) => ({
    type: ROW,
    components: [
      {
        type: MENU,
        custom_id: `menu:${i}`,
        placeholder: cut(placeholder, MAX_PLACEHOLDER),
        options: page.map(({ label, value }) => ({ label: cut(label, MAX_OPTION_LABEL), value })),
      },
    ],
  }))

/** A list in pieces of at most `size`. */
export const pagesOf = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
