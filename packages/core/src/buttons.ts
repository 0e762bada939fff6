import type { Capabilities } from './channel.js'
import type { Action, Content } from './content.js'
import { degrade } from './degrade.js'
import type { JsonObject } from './json.js'
import { contentIn, listFields } from './read-content.js'

/** The payload of the message that a button press creates, without the message that has the button. */
export type ButtonReply =
  | { type: 'quick_reply'; text: string; payload: string }
  | { type: 'say_something'; text: string }
  | { type: 'postback'; payload: string }

/** An answer offered by a message: a choice, an option, or an action other than a link. */
export interface Button {
  title: string
  reply: ButtonReply
}

/** Returns the buttons of a payload, in a stable order. A payload of an unknown type has none. */
export function buttonsOf(payload: JsonObject): Button[] {
  const buttons: Button[] = []
  replaceButtons(payload, (_, button) => {
    buttons.push(button)
    return ''
  })
  return buttons
}

/**
 * Returns the payload with new button values. `token` gets the index of each button, in the order of
 * {@link buttonsOf}, and the button. A payload without buttons is returned unchanged.
 */
export function replaceButtons(
  payload: JsonObject,
  token: (index: number, button: Button) => string,
): JsonObject {
  // Most payloads have no buttons, and this check is cheaper than the schema.
  if (!listFields.some((field) => field in payload)) return payload
  const known = contentIn(payload)
  if (!known) return payload
  let count = 0
  const next = (button: Button): string => token(count++, button)
  const replaced = replaceIn(known, next)
  return count === 0 ? payload : (replaced as JsonObject)
}

type Next = (button: Button) => string

function replaceIn(content: Content, next: Next): Content {
  const body = replaceInBody(content, next)
  const { choices } = body
  if (!choices) return body
  return {
    ...body,
    choices: choices.map((choice) => ({ ...choice, value: next(quickReply(choice.title, choice.value)) })),
  } as Content
}

function replaceInBody(content: Content, next: Next): Content {
  switch (content.type) {
    case 'card':
      return { ...content, actions: content.actions.map((action) => replaceAction(action, next)) }
    case 'carousel':
      return {
        ...content,
        items: content.items.map((card) => ({
          ...card,
          actions: card.actions.map((action) => replaceAction(action, next)),
        })),
      }
    case 'dropdown':
      return {
        ...content,
        options: content.options.map((option) => ({
          ...option,
          value: next(quickReply(option.label, option.value)),
        })),
      }
    default:
      return content
  }
}

function replaceAction(action: Action, next: Next): Action {
  const { title } = action
  switch (action.action) {
    case 'Say something':
      return { ...action, text: next({ title, reply: { type: 'say_something', text: action.text } }) }
    case 'Postback':
      return { ...action, payload: next({ title, reply: { type: 'postback', payload: action.payload } }) }
    case 'Open URL':
      return action
  }
}

const quickReply = (title: string, value: string): Button => ({
  title,
  reply: { type: 'quick_reply', text: title, payload: value },
})

/** A number, optionally followed by a dot or a bracket. */
const NUMBER = /^\s*(\d{1,2})[.)]?\s*$/

/**
 * Finds the button that a typed answer selects, by number or by label (ignoring case), if the channel shows the buttons
 * of this payload as numbered lines. Undefined if the channel shows real buttons, or nothing matches.
 */
export function numberedAnswer(
  payload: JsonObject,
  capabilities: Capabilities,
  text: string,
): Button | undefined {
  const buttons: Button[] = []
  const indexed = replaceButtons(payload, (index, button) => {
    buttons.push(button)
    return String(index)
  })
  if (buttons.length === 0) return undefined
  const { options = [] } = degrade(indexed, capabilities) ?? {}
  const typed = NUMBER.exec(text)?.[1]
  const label = fold(text)
  const option =
    options.find(({ title }) => label !== '' && fold(title) === label) ??
    (typed === undefined ? undefined : options.find(({ number }) => number === Number(typed)))
  return option && buttons[Number(option.value)]
}

/** Normalizes a label for comparison. */
const fold = (text: string): string => text.normalize('NFC').trim().toLowerCase()
