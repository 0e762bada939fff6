import { emojiOf } from './emoji.js'
import { readable, readableLink, unescapeText } from './readable-text.js'
import { listLine } from './rich-text.js'

type Fields = Readonly<Record<string, unknown>>

/** Levels of blocks that are read. A table in a container with a list in a cell has eight. */
const MAX_LEVELS = 14

/**
 * The words of blocks as a person reads them, one block below the other. Buttons and menus have none. Of a block that
 * is not in this file, the fields that usually hold words are read.
 * https://docs.slack.dev/reference/block-kit/blocks
 */
export const textOfBlocks = (blocks: unknown): string => read(blocks, MAX_LEVELS)

/** Several things are lines. Anything but text, numbers, lists and elements has no words. */
function read(value: unknown, levels: number): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  if (levels === 0) return ''
  if (Array.isArray(value)) return lines(value.map((each) => read(each, levels - 1)))
  return isFields(value) ? readElement(value, levels - 1) : ''
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

const lines = (texts: readonly string[]): string => texts.filter((text) => text.trim() !== '').join('\n')

/** The fields of a block that hold its words, in the order in which they are shown. */
const FIELDS = new Map<string, readonly string[]>([
  ['actions', []],
  ['context_actions', []],
  ['divider', []],
  ['task_card', ['title', 'details', 'output', 'sources']],
  ['plan', ['title', 'tasks']],
  ['container', ['title', 'rich_text_title', 'subtitle', 'child_blocks']],
  ['data_visualization', ['title', 'chart']],
])
const USUAL_FIELDS = [
  'title',
  'subtitle',
  'label',
  'text',
  'body',
  'subtext',
  'description',
  'caption',
  'fields',
  'elements',
  'rows',
  'blocks',
  'child_blocks',
]

function readElement(element: Fields, levels: number): string {
  const { type } = element
  switch (type) {
    case 'mrkdwn':
      return readable(textIn(element, 'text'))
    case 'plain_text':
      return unescapeText(textIn(element, 'text'))
    case 'rich_text_section':
    case 'rich_text_preformatted':
      return readLine(element, levels)
    case 'rich_text_quote':
      return `> ${readLine(element, levels).replaceAll('\n', '\n> ')}`
    case 'rich_text_list':
      return readList(element, levels)
    case 'table':
    case 'data_table':
      return lines([textIn(element, 'caption'), ...readRows(element, levels)])
    case 'image':
      return readLinked(element, ['title', 'alt_text'], ['image_url'], levels)
    case 'video':
      return lines([
        readLinked(element, ['title', 'alt_text'], ['title_url', 'video_url'], levels),
        read(element.description, levels),
      ])
    case 'file':
      // A block of this type stands for a file of the message.
      return 'external_id' in element ? '' : (readInline(element) ?? '')
    case 'call':
      return readCall(element, levels)
    case 'pie':
    case 'bar':
    case 'area':
    case 'line':
      return readChart(element, levels)
    default:
      return (
        readInline(element) ??
        lines(
          (FIELDS.get(textIn(element, 'type')) ?? USUAL_FIELDS).map((name) => read(element[name], levels)),
        )
      )
  }
}

const textIn = (element: Fields, name: string): string => {
  const value = element[name]
  return typeof value === 'string' ? value : ''
}

const numberIn = (value: unknown, otherwise = 0): number => (typeof value === 'number' ? value : otherwise)

/** A piece of a line; undefined for a block. */
function readInline(element: Fields): string | undefined {
  const field = (name: string) => textIn(element, name)
  switch (element.type) {
    case 'text':
    case 'raw_text':
      return field('text')
    case 'raw_number':
      return field('text') || read(element.value, 1)
    case 'link':
    case 'url':
      return readableLink(field('url'), field('text'))
    case 'user':
    case 'canvas_user_mention':
      return `@${field('user_id')}`
    case 'usergroup':
      return `@${field('usergroup_id')}`
    case 'team':
      return `@${field('team_id')}`
    case 'broadcast':
      return `@${field('range')}`
    case 'channel':
      return `#${field('channel_id')}`
    case 'color':
      return field('value')
    case 'emoji':
      return emojiOf(element.unicode) ?? `:${field('name')}:`
    case 'date':
      return field('fallback') || timeText(element.timestamp)
    case 'attachment_mention':
    case 'canvas':
    case 'canvas_message_unfurl':
    case 'citation':
    case 'file':
    case 'list_record':
    case 'message_mention':
    case 'salesforce_data_field':
    case 'tag':
    case 'work_object_mention':
    case 'workflow_mention':
      // Slack may give the id of the object alone, which says nothing to a reader.
      return readLinked(element, ['text', 'label', 'title', 'name'], ['url'], 2) || `[${element.type}]`
    default:
      return undefined
  }
}

/** A time in seconds as text; empty for what is no time. */
export function timeText(seconds: unknown): string {
  const time = new Date(numberIn(seconds, Number.NaN) * 1000)
  return Number.isNaN(time.getTime()) ? '' : time.toISOString()
}

const readLine = ({ elements }: Fields, levels: number): string =>
  Array.isArray(elements) ? elements.map((each) => read(each, levels)).join('') : ''

function readList({ elements, style, indent, offset }: Fields, levels: number): string {
  if (!Array.isArray(elements)) return ''
  const form = { isOrdered: style === 'ordered', indent: numberIn(indent), offset: numberIn(offset) }
  return elements.map((item, i) => listLine(form, i, read(item, levels))).join('\n')
}

/** Cells beside each other, so that an empty one keeps its place. */
const readRows = ({ rows }: Fields, levels: number): string[] =>
  Array.isArray(rows)
    ? rows.map((row) =>
        Array.isArray(row) ? row.map((cell) => read(cell, levels - 1).replaceAll('\n', ' ')).join(' | ') : '',
      )
    : []

/** The first of these fields that holds words, with the first address of the others. */
function readLinked(
  element: Fields,
  names: readonly string[],
  addresses: readonly string[],
  levels: number,
): string {
  const label = names.map((name) => read(element[name], levels)).find((text) => text.trim() !== '') ?? ''
  const url = addresses.map((name) => textIn(element, name)).find((text) => text !== '') ?? ''
  return url === '' ? label : readableLink(url, label)
}

/** A call that a person started or shared. */
function readCall({ call }: Fields, levels: number): string {
  const { v1 } = isFields(call) ? call : {}
  return isFields(v1) ? readLinked(v1, ['name'], ['join_url'], levels) : ''
}

/** The values of a chart, each with its label. */
function readChart({ segments, series }: Fields, levels: number): string {
  const points = (value: unknown): string[] =>
    Array.isArray(value)
      ? value.map((point) =>
          isFields(point) ? `${read(point.label, levels)}: ${read(point.value, levels)}` : '',
        )
      : []
  const ofSeries = (Array.isArray(series) ? series : []).flatMap((one) =>
    isFields(one) ? [read(one.name, levels), ...points(one.data)] : [],
  )
  return lines([...points(segments), ...ofSeries])
}
