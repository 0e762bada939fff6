import { isJsonObject, type Json, type JsonObject, parseJsonObject, truncate } from '@plugboard/core'
import { activityOf } from './activity.js'
import type { Entry } from './entry.js'

/** Maximum length of a preview, in UTF-16 units. */
const MAX_PREVIEW = 256

/** Fields of contents that people read, the most telling first. */
const TEXTS = ['text', 'title', 'caption', 'label', 'message', 'address', 'name']
/** Fields of contents with a list of further contents. */
const LISTS = ['items', 'options', 'choices', 'actions']

/** One line for people who look through a list of entries: what a message says, or what happened. At most 256 characters. */
export function previewOf({ type, payload }: Pick<Entry, 'type' | 'payload'>): string {
  if (type === 'message') return previewOfContent(parseJsonObject(payload))
  if (type === 'activity') return lineOf(ofActivity({ payload }))
  return ''
}

/** As {@link previewOf}, of the content of a message. Content without any text is called by its type. */
export function previewOfContent(content: JsonObject): string {
  const type = typeof content.type === 'string' ? content.type : 'message'
  return lineOf(textOf(content) ?? `[${type}]`)
}

function textOf(content: JsonObject): string | undefined {
  for (const field of TEXTS) {
    const text = content[field]
    if (typeof text === 'string' && text.trim() !== '') return text
  }
  for (const field of LISTS) {
    const first = firstOf(content[field])
    const text = first && TEXTS.map((each) => first[each]).find((each) => typeof each === 'string')
    if (typeof text === 'string') return text
  }
  return undefined
}

function firstOf(list: Json | undefined): JsonObject | undefined {
  const first = Array.isArray(list) ? list[0] : undefined
  return isJsonObject(first) ? first : undefined
}

function ofActivity(entry: { payload: string }): string {
  const activity = activityOf(entry)
  switch (activity?.type) {
    case 'edited':
      return `edited: ${previewOfContent(activity.payload)}`
    case 'reaction':
      return activity.removed ? `took back ${activity.emoji}` : `reacted with ${activity.emoji}`
    case 'delivery':
      return activity.failure ? `${activity.status}: ${activity.failure.message}` : activity.status
    case 'given-up':
      return `given up: ${activity.error ?? activity.reason}`
    case 'feedback':
      return activity.feedback === 1 ? 'rated good' : 'rated bad'
    default:
      return activity?.type.replace('-', ' ') ?? ''
  }
}

/** In one line, and cut before it is searched, because a text may be long. */
const lineOf = (text: string): string =>
  truncate(
    truncate(text, 4 * MAX_PREVIEW)
      .replaceAll(/\s+/g, ' ')
      .trim(),
    MAX_PREVIEW,
  )
