import { isJson, isMine, type Json, type Message, readList, scalarOf, textOf } from './message.js'

/** What a payload shows. Payloads come from bots and from people, so nothing about them is certain. */
export type Content =
  | { type: 'text'; text: string; isMarkdown: boolean }
  | { type: 'media'; kind: MediaKind; url: string; title?: string; caption?: string }
  | { type: 'location'; latitude: number; longitude: number; title?: string; address?: string }
  | { type: 'cards'; cards: Card[] }
  | { type: 'dropdown'; text: string; isMarkdown: boolean; options: Choice[] }
  | { type: 'unknown' }

export type MediaKind = 'image' | 'audio' | 'video' | 'file'

export interface Card {
  title: string
  subtitle?: string
  image?: string
  isMarkdown: boolean
  actions: Action[]
}

/** A button: a link, or what the visitor says by pressing it. */
type Action = { title: string } & ({ url: string } | { reply: Json })

export interface Choice {
  title: string
  reply: Json
}

/** More buttons than a person looks through. */
const MAX_BUTTONS = 100

export function contentOf(payload: unknown): Content {
  if (!isJson(payload)) return { type: 'unknown' }
  const { type } = payload
  const isMarkdown = payload.markdown === true
  const title = textOf(payload.title)
  switch (type) {
    case 'image':
    case 'audio':
    case 'video':
    case 'file':
    case 'voice': {
      const kind = type === 'voice' ? 'audio' : type
      const url = textOf(payload[kind]) ?? textOf(payload.url)
      const name = title ?? textOf(payload.name)
      if (!url) return unknown(payload)
      // What a visitor sends has the name of its file as title; that of a file is its label.
      const caption = kind !== 'file' && title !== textOf(payload.name) ? title : undefined
      return { type: 'media', kind, url, ...(name && { title: name }), ...(caption && { caption }) }
    }
    case 'location': {
      const { latitude, longitude } = payload
      const address = textOf(payload.address)
      if (typeof latitude !== 'number' || typeof longitude !== 'number') return unknown(payload)
      return { type: 'location', latitude, longitude, ...(title && { title }), ...(address && { address }) }
    }
    case 'card':
      return { type: 'cards', cards: [cardOf(payload)] }
    case 'carousel':
      return {
        type: 'cards',
        cards: readList(payload.items, (item) => (isJson(item) ? cardOf(item) : undefined)),
      }
    case 'dropdown':
      return {
        type: 'dropdown',
        text: textOf(payload.message) ?? '',
        isMarkdown,
        options: readList(payload.options, (option) => choiceOf(option, 'label')).slice(0, MAX_BUTTONS),
      }
    default:
      return unknown(payload)
  }
}

/** Payloads of any other type may have words, as presses of buttons and templates do. */
function unknown({ text, title, markdown }: Json): Content {
  const words = textOf(text) ?? textOf(title)
  return words ? { type: 'text', text: words, isMarkdown: markdown === true } : { type: 'unknown' }
}

/** The quick replies below a message. */
export const choicesOf = (payload: unknown): Choice[] =>
  isJson(payload)
    ? readList(payload.choices, (choice) => choiceOf(choice, 'title')).slice(0, MAX_BUTTONS)
    : []

/**
 * The quick replies that wait for an answer, by the id of their message. It is answered when the visitor chooses one of
 * them, or writes anything after it. What the business says meanwhile, and a press of another message's button, answer
 * nothing. `waiting`: what is being sent.
 */
export function openChoices(
  messages: readonly Pick<Message, 'id' | 'author' | 'payload'>[],
  waiting: readonly unknown[],
): ReadonlyMap<string, readonly Choice[]> {
  const open = new Map<string, readonly Choice[]>()
  const pressed = new Set<string>()
  const sent = waiting.map((payload) => ({ id: '', author: 'me' as const, payload }))
  for (const message of [...messages, ...sent].reverse()) {
    const { id, payload } = message
    const pressedId = isMine(message) && isJson(payload) ? textOf(payload.messageId) : undefined
    if (pressedId !== undefined) pressed.add(pressedId)
    else if (isMine(message)) break
    else if (!pressed.has(id) && choicesOf(payload).length > 0) open.set(id, choicesOf(payload))
  }
  return open
}

function choiceOf(value: unknown, label: 'title' | 'label'): Choice | undefined {
  const title = isJson(value) ? textOf(value[label]) : undefined
  if (!isJson(value) || title === undefined) return undefined
  return { title, reply: { type: 'quick_reply', text: title, payload: scalarOf(value.value) ?? title } }
}

function cardOf(card: Json): Card {
  const subtitle = textOf(card.subtitle)
  const image = textOf(card.image)
  return {
    title: textOf(card.title) ?? '',
    isMarkdown: card.markdown === true,
    actions: readList(card.actions, actionOf).slice(0, MAX_BUTTONS),
    ...(subtitle && { subtitle }),
    ...(image && { image }),
  }
}

function actionOf(value: unknown): Action | undefined {
  const title = isJson(value) ? textOf(value.title) : undefined
  if (!isJson(value) || title === undefined) return undefined
  switch (value.action) {
    case 'Open URL':
      return { title, url: scalarOf(value.url) ?? '' }
    case 'Postback':
      return { title, reply: { type: 'postback', payload: scalarOf(value.payload) ?? title } }
    case 'Say something':
      return { title, reply: { type: 'say_something', text: textOf(value.text) ?? title } }
    default:
      return undefined
  }
}

/** What a screen reader says of a message, and what a list of conversations shows: its words, without Markdown. */
export function summaryOf(payload: unknown): string | undefined {
  const content = contentOf(payload)
  switch (content.type) {
    case 'text':
    case 'dropdown':
      return content.text.replace(/[*_~`#>]+/g, '')
    case 'cards':
      return content.cards.map(({ title }) => title).join(', ')
    case 'media':
    case 'location':
      return content.title
    case 'unknown':
      return undefined
  }
}

/** The reply to a button, with the message that offered it: so the hub sees that the business offered it. */
export const replyTo = (messageId: string, reply: Json): Json => ({ ...reply, messageId })

/** What the visitor has chosen of the options of each message, by its id. */
export const answersOf = (payloads: readonly unknown[]): ReadonlyMap<string, string> =>
  new Map(
    payloads.flatMap((payload): [string, string][] => {
      if (!isJson(payload) || payload.type !== 'quick_reply') return []
      const [messageId, answer] = [textOf(payload.messageId), textOf(payload.payload)]
      return messageId === undefined || answer === undefined ? [] : [[messageId, answer]]
    }),
  )

/** The label of the button that a message of the visitor pressed, which a postback itself does not have. */
export function pressedLabel(
  payload: unknown,
  messages: readonly { id: string; payload: unknown }[],
): string | undefined {
  if (!isJson(payload) || payload.type !== 'postback') return undefined
  const offering = messages.find(({ id }) => id === payload.messageId)
  const content = contentOf(offering?.payload)
  if (content.type !== 'cards') return undefined
  const pressed = content.cards
    .flatMap(({ actions }) => actions)
    .find((action) => 'reply' in action && action.reply.payload === payload.payload)
  return pressed?.title
}
