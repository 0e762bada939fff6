import { z } from 'zod'
import {
  actionSchema,
  type Content,
  type ContentType,
  cardBodySchema,
  contentSchema,
  contentTypes,
} from './content.js'
import type { Issue } from './errors.js'
import { isJsonObject, type Json, type JsonObject } from './json.js'

/** What a payload says, and what of it cannot be shown. Paths are relative to the payload. */
export interface ContentReading {
  /** Undefined if the type is unknown or the content is invalid. */
  content?: Content
  /** Why there is no content, if the type is known. */
  faults: Issue[]
  /** Buttons and cards that say nothing. The rest of the content is shown without them. */
  skipped: Issue[]
}

/** Fields that contain lists of content. */
export const listFields = ['choices', 'options', 'actions', 'items', 'parameters'] as const

/** Maximum total of fields, choices, cards and buttons. Validating more takes too long. */
const MAX_MEMBERS = 2000

/** How a field is read: by the type that its schema expects. */
type Kind = 'text' | 'number' | 'flag' | 'other'

/** How the fields of each object schema are read. */
function kindsOf(schema: z.ZodObject): [name: string, kind: Kind][] {
  return Object.entries(schema.shape).map(([name, field]) => [name, kindOf(field)])
}

function kindOf(schema: z.core.$ZodType): Kind {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return kindOf(schema.unwrap())
  if (schema instanceof z.ZodString) return 'text'
  if (schema instanceof z.ZodNumber) return 'number'
  return schema instanceof z.ZodBoolean ? 'flag' : 'other'
}

const kinds = new Map(
  contentSchema.options.map((schema) => [schema.shape.type.value as string, kindsOf(schema)]),
)
const cardKinds = kindsOf(cardBodySchema)

/** The field with the address of a file, by type. What a person sent has it as `url`. */
const files = new Map(
  Object.entries({ image: 'image', audio: 'audio', voice: 'audio', video: 'video', file: 'file' }),
)

/**
 * Reads the content of a payload as its author meant it: null and an empty text mean absent, numbers and booleans are
 * taken as text, and numeric text as a number. A button without a label shows its value, and the other way round; a
 * button of an unknown kind is shown as text. Never throws, and takes bounded time for any payload.
 */
export function readContent(payload: JsonObject): ContentReading {
  const fields = typeof payload.type === 'string' ? kinds.get(payload.type) : undefined
  if (!fields) return { faults: [], skipped: [] }
  if (!isSmall(payload)) {
    const message = `must have at most ${MAX_MEMBERS} fields, choices, cards and buttons`
    return { faults: [{ path: [], message }], skipped: [] }
  }
  const skipped: Issue[] = []
  const result = contentSchema.safeParse(completed(read(payload, fields), skipped))
  if (!result.success) return { faults: faultsOf(result.error, payload), skipped }
  const empty = emptyFieldOf(result.data)
  if (empty !== undefined) return { faults: [{ path: [empty], message: 'must not be empty' }], skipped }
  return { content: result.data, faults: [], skipped }
}

/** The field that a content needs to show anything, if it is empty. */
function emptyFieldOf(content: Content): string | undefined {
  if (content.type === 'card') return saysSomething(content) ? undefined : 'title'
  const isBare = content.type === 'text' && (content.choices ?? []).length === 0
  return isBare && content.text.trim() === '' ? 'text' : undefined
}

/**
 * Why a channel with this list of content types cannot show a payload. Empty if it can: the content is valid, or its type
 * is unknown and there is a text.
 */
export function contentFaults(payload: JsonObject, types: readonly ContentType[]): Issue[] {
  if (isKnown(payload.type)) {
    const { content, faults } = readContent(payload)
    if (content?.type !== 'template' || types.includes('template') || content.text?.trim()) return faults
    return [{ path: ['text'], message: 'is required, because the channel shows no templates' }]
  }
  if (textOf(payload) !== undefined) return []
  const isMissing = payload.type === undefined || payload.type === null || payload.type === ''
  const message = isMissing
    ? 'is required'
    : `must be one of ${contentTypes.join(', ')}, or there must be a "text"`
  return [{ path: ['type'], message }]
}

const isKnown = (type: Json | undefined): boolean => contentTypes.some((known) => known === type)

/** The words of a payload of any type; undefined if it has none. */
export function textOf(payload: JsonObject): string | undefined {
  const text = textIn(payload.text)
  return text?.trim() ? text : undefined
}

/** The content of a payload; undefined if the type is unknown or the content is invalid. */
export const contentIn = (payload: JsonObject): Content | undefined => readContent(payload).content

/** The first fault of each field. */
function faultsOf(error: z.ZodError, payload: JsonObject): Issue[] {
  const faults = new Map<PropertyKey, Issue>()
  for (const { path, message } of error.issues) {
    const [field = ''] = path
    const given = Object.hasOwn(payload, field) ? payload[String(field)] : undefined
    const isMissing = given === undefined || given === null || given === ''
    if (!faults.has(field))
      faults.set(field, { path: path.map(String), message: isMissing ? 'is required' : message })
  }
  return [...faults.values()]
}

/** A copy in which each field has the type that is expected, where the value can have it. Absent fields are left out. */
function read(value: JsonObject, fields: readonly (readonly [name: string, kind: Kind])[]): JsonObject {
  const copy = { ...value }
  for (const [name, kind] of fields) {
    const given = Object.hasOwn(value, name) ? value[name] : undefined
    if (given === undefined || given === null || given === '') delete copy[name]
    else copy[name] = as(kind, given)
  }
  return copy
}

function as(kind: Kind, value: Json): Json {
  switch (kind) {
    case 'text':
      return textIn(value) ?? value
    case 'number':
      return typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value))
        ? Number(value)
        : value
    case 'flag':
      return value === 'true' ? true : value === 'false' ? false : value
    case 'other':
      return value
  }
}

/** A text, or a number or a boolean as text; undefined for anything else, and for an empty text. */
function textIn(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value || undefined
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** Reads the lists, and fills in a missing text where something else is shown. */
function completed(content: JsonObject, skipped: Issue[]): JsonObject {
  if (content.choices !== undefined)
    content.choices = each(content.choices, ['choices'], skipped, choiceIn('title'))
  const type = String(content.type)
  const file = files.get(type)
  if (file !== undefined && content[file] === undefined && textIn(content.url) !== undefined)
    content[file] = textIn(content.url) as string
  switch (type) {
    case 'dropdown':
      content.options = each(content.options ?? [], ['options'], skipped, choiceIn('label'))
      content.message ??= ''
      return isEmptyList(content.options) && content.message !== ''
        ? { ...content, type: 'text', text: content.message }
        : content
    case 'single-choice':
      content.text ??= ''
      return isEmptyList(content.choices ?? []) && content.text !== ''
        ? { ...content, type: 'text' }
        : content
    case 'text':
      if (Array.isArray(content.choices) && content.choices.length > 0) content.text ??= ''
      return content
    case 'card':
      return withButtons(content, [], skipped)
    case 'carousel':
      content.items = each(content.items, ['items'], skipped, cardIn)
      return content
    case 'template': {
      const { parameters } = content
      // Each has its place, so that an empty one is kept.
      if (Array.isArray(parameters)) content.parameters = parameters.map((item) => textIn(item) ?? item)
      else if (parameters === undefined || parameters === null) delete content.parameters
      return content
    }
    default:
      return content
  }
}

const isEmptyList = (value: Json): boolean => Array.isArray(value) && value.length === 0

type ReadItem = (item: Json, path: Issue['path'], skipped: Issue[]) => JsonObject | undefined

/** The items that say something. A value that is no list is left for the schema to reject. */
function each(list: Json | undefined, path: Issue['path'], skipped: Issue[], readItem: ReadItem): Json {
  if (!Array.isArray(list)) return list ?? null
  return list.flatMap((item, i) => {
    const known = readItem(item, [...path, i], skipped)
    if (!known) skipped.push({ path: [...path, i], message: 'says nothing' })
    return known ? [known] : []
  })
}

/** A choice, whose label stands for a missing value and the other way round. */
const choiceIn =
  (label: 'title' | 'label'): ReadItem =>
  (item) => {
    if (!isJsonObject(item)) {
      const text = textIn(item)
      return text === undefined ? undefined : { [label]: text, value: text }
    }
    const title = textIn(item[label]) ?? textIn(item.value)
    return title === undefined ? undefined : { ...item, [label]: title, value: textIn(item.value) ?? title }
  }

const cardIn: ReadItem = (item, path, skipped) => {
  const card = isJsonObject(item)
    ? withButtons(read(item, cardKinds), path, skipped)
    : { title: textIn(item) ?? '' }
  const known = cardBodySchema.safeParse(card).data
  return known && saysSomething(known) ? (known as JsonObject) : undefined
}

/** The field of each kind of button that says what it does. */
const effects = { 'Say something': 'text', 'Open URL': 'url', Postback: 'payload' } as const

/** A card with its buttons. The words of those that are of no known kind become lines of its subtitle. */
function withButtons(card: JsonObject, path: Issue['path'], skipped: Issue[]): JsonObject {
  card.title ??= ''
  if (card.actions === undefined) return card
  const words: string[] = []
  const actions = each(card.actions, [...path, 'actions'], skipped, (item) => {
    const action = isJsonObject(item) ? actionIn(item) : undefined
    const title = isJsonObject(item) ? textIn(item.title) : textIn(item)
    if (!action && title !== undefined) words.push(title)
    return action ?? (title === undefined ? undefined : {})
  })
  card.actions = Array.isArray(actions)
    ? actions.filter((action) => isJsonObject(action) && 'action' in action)
    : actions
  if (words.length > 0 && (card.subtitle === undefined || typeof card.subtitle === 'string'))
    card.subtitle = [card.subtitle, ...words].filter(Boolean).join('\n')
  return card
}

/** A button; undefined if it is of no known kind, or has no effect. */
function actionIn(item: JsonObject): JsonObject | undefined {
  const kind = Object.entries(effects).find(([name]) => name === item.action)
  if (!kind) return undefined
  const [action, field] = kind
  const isLink = field === 'url'
  // A channel has a better label for a link than its whole address.
  const title = textIn(item.title) ?? (isLink ? '' : textIn(item[field]))
  const effect = textIn(item[field]) ?? (isLink ? undefined : title)
  if (title === undefined || effect === undefined) return undefined
  return actionSchema.safeParse({ ...item, action, title, [field]: effect }).data as JsonObject | undefined
}

const saysSomething = (card: z.infer<typeof cardBodySchema>): boolean =>
  Boolean(card.title || card.subtitle || card.image) || card.actions.length > 0

/** Counts only members that the schemas validate. Other fields are ignored. */
function isSmall(payload: JsonObject): boolean {
  let left = MAX_MEMBERS
  const count = (value: Json): void => {
    if (typeof value !== 'object' || value === null || left < 0) return
    if (Array.isArray(value)) {
      left -= value.length
      if (left >= 0) for (const each of value) count(each)
      return
    }
    left -= Object.keys(value).length
    for (const field of listFields) {
      const list = value[field]
      if (Array.isArray(list)) count(list)
    }
  }
  count(payload)
  return left >= 0
}
