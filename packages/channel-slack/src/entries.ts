import { textOfBlocks, timeText } from './block-text.js'
import type { Entry } from './payloads.js'
import { readable, unescapeText } from './readable-text.js'

/** The value of a button or of the one chosen option, which the bot gave it, and its label. */
export function choiceOf({
  type,
  value,
  text,
  selected_option,
}: Entry): { token: string; label?: string } | undefined {
  const isButton = type === 'button' || type === 'icon_button' || type === 'feedback_buttons'
  const [token, label] = isButton
    ? [value, text?.text]
    : [selected_option?.value, selected_option?.text?.text]
  return token ? { token, ...(label && { label: unescapeText(label) }) } : undefined
}

/**
 * What a person entered or chose, as a text; empty for nothing. Of a button, its label.
 * https://docs.slack.dev/reference/block-kit/block-elements
 */
export function textOfEntry(entry: Entry): string {
  const { value, text, rich_text_value } = entry
  const chosen = [entry.selected_option, ...(entry.selected_options ?? [])].flatMap((option) =>
    option ? [option.text ? readable(option.text.text) : (option.value ?? '')] : [],
  )
  const people = [entry.selected_user, ...(entry.selected_users ?? [])]
  const rooms = [
    ...[entry.selected_conversation, ...(entry.selected_conversations ?? [])],
    ...[entry.selected_channel, ...(entry.selected_channels ?? [])],
  ]
  const all = [
    ...chosen,
    ...people.map((user) => user && `@${user}`),
    ...rooms.map((room) => room && `#${room}`),
    entry.selected_date,
    entry.selected_time,
    timeText(entry.selected_date_time),
    textOfBlocks([rich_text_value]),
    text ? unescapeText(text.text) : value,
  ]
  return all.filter(Boolean).join(', ')
}

/** Whether nothing is entered or chosen any more: the person cleared the element. */
export const isCleared = (entry: Entry): boolean =>
  textOfEntry(entry) === '' &&
  Object.entries(entry).some(
    ([name, value]) => CLEARABLE.test(name) && (value === null || Array.isArray(value)),
  )

const CLEARABLE = /^(selected_.+|value|rich_text_value|files)$/
