/** What Teams refuses in an Adaptive Card of a bot: https://adaptivecards.io/explorer/ up to version 1.5. */

type Element = Readonly<Record<string, unknown>>

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isElement = (value: unknown): value is Element => typeof value === 'object' && value !== null
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RichTextBlock: ['type', 'inlines', 'spacing', 'horizontalAlignment'],
  TextRun: [
    'type',
    'text',
    'weight',
    'size',
    'italic',
    'strikethrough',
    'fontType',
    'selectAction',
    'color',
    'isSubtle',
  ],
  Image: ['type', 'url', 'altText', 'msTeams', 'spacing'],
  ActionSet: ['type', 'actions', 'spacing'],
  'Input.ChoiceSet': ['type', 'id', 'style', 'isRequired', 'errorMessage', 'choices', 'label', 'placeholder'],
  'Action.Submit': ['type', 'title', 'data'],
  'Action.OpenUrl': ['type', 'title', 'url'],
}

/** The first fault of a card; undefined if Teams takes it. */
export function cardFault(card: unknown): string | undefined {
  if (!isElement(card) || card.type !== 'AdaptiveCard') return 'type must be AdaptiveCard'
  if (!/^1\.[0-5]$/.test(String(card.version))) return 'the version is not supported'
  const body = listOf(card.body)
  if (body.length === 0) return 'the body is empty'
  return body.map(elementFault).find(Boolean)
}

function elementFault(element: unknown): string | undefined {
  if (!isElement(element) || !isText(element.type)) return 'an element without a type'
  const members = MEMBERS[element.type]
  if (!members) return `unknown element ${element.type}`
  const odd = Object.keys(element).find((name) => !members.includes(name))
  if (odd) return `${element.type} has no ${odd}`
  switch (element.type) {
    case 'RichTextBlock': {
      const inlines = listOf(element.inlines)
      return inlines.length === 0 ? 'a text without a run' : inlines.map(elementFault).find(Boolean)
    }
    case 'TextRun':
      if (!isText(element.text)) return 'a run without text'
      if (/[\n\r]/.test(element.text)) return 'a run of several lines'
      return element.selectAction === undefined ? undefined : elementFault(element.selectAction)
    case 'Image':
      return /^https:\/\/./.test(String(element.url))
        ? undefined
        : 'a picture that is not at an https address'
    case 'ActionSet': {
      const actions = listOf(element.actions)
      if (actions.length === 0 || actions.length > 6) return `${actions.length} actions in a row`
      return actions.map(elementFault).find(Boolean)
    }
    case 'Input.ChoiceSet': {
      if (!isText(element.id)) return 'a menu without an id'
      const choices = listOf(element.choices)
      const isWhole = (choice: unknown) => isElement(choice) && isText(choice.title) && isText(choice.value)
      return choices.length > 0 && choices.every(isWhole) ? undefined : 'a menu without choices'
    }
    case 'Action.Submit':
      return isText(element.title) ? undefined : 'a button without a title'
    default:
      return /^(https?|mailto):./.test(String(element.url)) ? undefined : `${element.type} to no address`
  }
}

/** Elements that the markup of a message may have. */
const TAGS = new Set(['a', 'b', 'blockquote', 'br', 'code', 'i', 'li', 'ol', 'pre', 's', 'ul'])

/** The first fault of the markup of a message; undefined if it is well-formed. */
export function markupFault(text: string): string | undefined {
  const open: string[] = []
  for (const [, close, name = '', attributes = '', end] of text.matchAll(
    /<(\/?)([a-z0-9]*)((?:\s+[a-z]+="[^"<>]*")*)\s*(\/?)>/g,
  )) {
    if (!TAGS.has(name)) return `unknown element ${name}`
    if (close && open.pop() !== name) return `${name} is closed and not open`
    if (name === 'a' && !close && !/\shref="(https?|mailto):/.test(attributes)) return 'a link to no address'
    if (!close && !end && name !== 'br') open.push(name)
  }
  if (open.length > 0) return `${open.join()} is not closed`
  const rest = text.replace(/<\/?[a-z0-9]*(?:\s+[a-z]+="[^"<>]*")*\s*\/?>/g, '')
  if (/[<>]/.test(rest)) return 'a sign that is not escaped'
  return /&(?!(amp|lt|gt|quot);)/.test(rest) ? 'an ampersand that is not escaped' : undefined
}

/** What a person reads in the markup of a message. */
export const readMarkup = (text: string): string =>
  text
    .replace(/<br\/>|<\/(li|blockquote|pre)>/g, '\n')
    .replace(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
