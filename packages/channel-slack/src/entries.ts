import { textOfBlocks, timeText } from './block-text.js'
import type { Entry } from './payloads.js'
import { readable, unescapeText } from './readable-text.js'

const BUTTONS = new Set(['button', 'icon_button', 'feedback_buttons'])

/**
 * The value of a button, or of what a person chose in a menu, a calendar or a list of boxes, and its label. Several values
 * are joined by commas. A button without a value has its `action_id`. Undefined for what a person wrote, and for nothing.
 */
export function choiceOf(
  entry: Entry & { action_id?: string },
): { token: string; label?: string } | undefined {
  const isButton = BUTTONS.has(entry.type)
  const token = isButton ? entry.value || entry.action_id : valuesOf(entry).join(',')
  if (!token) return undefined
  const label = isButton ? unescapeText(entry.text?.text ?? '') : textOfEntry(entry)
  return { token, ...(label && { label }) }
}

function valuesOf(entry: Entry): string[] {
  const options = [entry.selected_option, ...(entry.selected_options ?? [])].map(
    (option) => option && (option.value ?? option.text?.text),
  )
  const { selected_date_time: time } = entry
  const all = [
    ...options,
    ...[entry.selected_user, ...(entry.selected_users ?? [])],
    ...[entry.selected_conversation, ...(entry.selected_conversations ?? [])],
    ...[entry.selected_channel, ...(entry.selected_channels ?? [])],
    ...[entry.selected_date, entry.selected_time, typeof time === 'number' ? String(time) : undefined],
  ]
  return all.filter((value) => typeof value === 'string' && value !== '') as string[]
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
