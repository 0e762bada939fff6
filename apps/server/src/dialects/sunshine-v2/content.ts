import { isJsonObject, isUrl, type Json, type JsonObject, truncate } from '@plugboard/core'
import type { z } from 'zod'
import { numberIn, placeholderOf, textIn, wordsIn } from '../payload.js'
import type { actionSchema, contentSchema, itemSchema } from './content-schemas.js'

/** Content of this API to and from the domain's. Pure. */

export type Content = z.infer<typeof contentSchema>
type Action = z.infer<typeof actionSchema>
type Item = z.infer<typeof itemSchema>

/** The payload that says the same, so that every channel and every other API can show it. */
export function toPayload(content: Content, author: 'user' | 'business' = 'business'): JsonObject {
  switch (content.type) {
    case 'text': {
      const { text = '', payload, actions } = content
      // What a person says by a press of a reply has its value.
      if (author === 'user' && text !== '' && payload !== undefined && actions === undefined)
        return { type: 'quick_reply', text, payload }
      const carried = payload === undefined ? {} : { payload }
      return shorthandTemplate(text) ?? withActions({ type: 'text', text, ...carried }, actions)
    }
    case 'image': {
      const title = content.text ?? content.altText
      return withActions(
        { type: 'image', image: content.mediaUrl, ...(title !== undefined && { title }) },
        content.actions,
      )
    }
    case 'file': {
      const title = content.text ?? content.altText
      return { type: 'file', file: content.mediaUrl, ...(title !== undefined && { title }) }
    }
    case 'location': {
      const { address, name } = content.location ?? {}
      const { lat: latitude, long: longitude } = content.coordinates
      return {
        ...{ type: 'location', latitude, longitude },
        ...(address !== undefined && { address }),
        ...(name !== undefined && { title: name }),
      }
    }
    case 'carousel':
      return { type: 'carousel', items: content.items.map(cardOf) }
    case 'list':
      return withChoices({ type: 'carousel', items: content.items.map(cardOf) }, content.actions ?? [])
    case 'form':
      return formPayload(content)
    case 'template':
      return templatePayload(content)
  }
}

/** Replies become choices; everything else needs a card to stand on. */
function withActions(payload: JsonObject, actions: readonly Action[] = []): JsonObject {
  if (actions.length === 0) return payload
  if (actions.every(isReply)) return withChoices(payload, actions)
  const { type, image, title, text } = payload
  return {
    type: 'card',
    title: textIn(type === 'text' ? text : title) ?? '',
    ...(image !== undefined && { image }),
    actions: actions.map(buttonOf),
  }
}

/** A template as the shorthand of a text, with nothing around it: `&((template=[[NAME]] language=[[de]] body_text=[[A]]))&`. */
function shorthandTemplate(text: string): JsonObject | undefined {
  const inner = /^\s*&\(\((.*)\)\)&\s*$/s.exec(text)?.[1]
  if (inner === undefined) return undefined
  const fields = [...inner.matchAll(/(\w+)=\[\[(.*?)\]\]/gs)].map(
    ([, key = '', value = '']) => [key, value] as const,
  )
  const find = (name: string) => fields.find(([key]) => key === name)?.[1]
  const [name, language, fallback] = [find('template'), find('language'), find('fallback')]
  if (!name || !language) return undefined
  const parameters = fields.flatMap(([key, value]) => (key === 'body_text' ? [value] : []))
  return {
    ...{ type: 'template', name, language },
    ...(parameters.length > 0 && { parameters }),
    ...(fallback && { text: fallback }),
  }
}

/** A template in the words of WhatsApp, which it keeps: its components may have more than the texts of the body. */
function templatePayload({ template }: Extract<Content, { type: 'template' }>): JsonObject {
  const { name, language, components } = template
  const code = isJsonObject(language) ? language.code : language
  const bodies = listIn(components).filter(
    (component): component is JsonObject =>
      isJsonObject(component) && String(component.type).toLowerCase() === 'body',
  )
  const parameters = bodies
    .flatMap((body) => listIn(body.parameters))
    .flatMap((parameter) => (isJsonObject(parameter) ? [wordsIn(parameter.text) ?? ''] : []))
  return {
    type: 'template',
    ...(typeof name === 'string' && { name }),
    ...(typeof code === 'string' && { language: code }),
    ...(parameters.length > 0 && { parameters }),
    template,
  }
}

const isReply = ({ type }: Action): boolean => type === 'reply' || type === 'locationRequest'

const withChoices = (payload: JsonObject, actions: readonly Action[]): JsonObject =>
  actions.length === 0 ? payload : { ...payload, choices: actions.map(choiceOf) }

const choiceOf = (action: Action): JsonObject => ({
  title: action.text,
  value: 'payload' in action ? action.payload : action.text,
})

function buttonOf(action: Action): JsonObject {
  const { text: title } = action
  switch (action.type) {
    case 'link':
    case 'webview':
      return { action: 'Open URL', title, url: action.uri }
    case 'postback':
      return { action: 'Postback', title, payload: action.payload }
    case 'reply':
    case 'buy':
    case 'locationRequest':
      return { action: 'Say something', title, text: title }
  }
}

const cardOf = ({ title, description, mediaUrl, actions }: Item): JsonObject => ({
  title,
  ...(description !== undefined && { subtitle: description }),
  ...(mediaUrl !== undefined && { image: mediaUrl }),
  actions: actions.map(buttonOf),
})

/** A form is asked as text; one question with options is a dropdown. */
function formPayload({ text, fields }: Extract<Content, { type: 'form' }>): JsonObject {
  const [field, ...others] = fields
  if (field?.type === 'select' && others.length === 0) {
    const options = field.options.map(({ name, label }) => ({ label, value: name }))
    return { type: 'dropdown', message: [text, field.label].filter(Boolean).join('\n'), options }
  }
  const lines = fields.map(({ label, ...rest }) => {
    const options = 'options' in rest ? rest.options.map((option) => option.label).join(', ') : ''
    return options ? `${label} (${options})` : label
  })
  return { type: 'text', text: [text, ...lines].filter(Boolean).join('\n') }
}

/** Items and replies shown of one message: what is more is left out, so that a list of messages stays readable. */
const MAX_SHOWN = 100
/** Buttons that an item may have. */
const MAX_ITEM_ACTIONS = 3
/** Longest label and description of an item. */
const MAX_LABEL = 128
/** Says nothing, in every language: this API has no empty labels. */
const NOTHING = '…'

/**
 * What a payload says, as content of this API. What it has no words for becomes text, and what can be no payload of its
 * type is shown as the name of that type. Takes any JSON object; never throws.
 */
export function fromPayload(payload: JsonObject): JsonObject {
  const content = bodyOf(payload)
  if (content.type !== 'text' && content.type !== 'image') return content
  const replies = repliesIn(payload)
  return replies.length > 0 ? { ...content, actions: replies } : content
}

function bodyOf(payload: JsonObject): JsonObject {
  switch (payload.type) {
    case 'image':
      return mediaOf('image', payload, payload.image)
    case 'audio':
    case 'voice':
      return mediaOf('file', payload, payload.audio)
    case 'video':
      return mediaOf('file', payload, payload.video)
    case 'file':
      return mediaOf('file', payload, payload.file)
    case 'location':
      return locationOf(payload)
    case 'card':
      return carouselOf(payload, [payload])
    case 'carousel':
      return carouselOf(payload, listIn(payload.items))
    case 'dropdown':
      return textOf(payload, payload.message)
    case 'quick_reply':
    case 'postback': {
      const carried = wordsIn(payload.payload)
      const said = payload.type === 'quick_reply' ? wordsIn(payload.text) : undefined
      return { ...textOf(payload, said ?? carried), ...(carried !== undefined && { payload: carried }) }
    }
    case 'template':
      return isJsonObject(payload.template)
        ? { type: 'template', template: payload.template }
        : { type: 'text', text: textIn(payload.text) ?? placeholderOf(payload) }
    default:
      return { type: 'text', text: textIn(payload.text) ?? placeholderOf(payload) }
  }
}

const listIn = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : [])

const textOf = (payload: JsonObject, text: Json | undefined): JsonObject => ({
  type: 'text',
  text: wordsIn(text) ?? placeholderOf(payload),
})

/** Files of people have their URL in `url`. Anything that is not a URL becomes a text. */
function mediaOf(type: 'image' | 'file', payload: JsonObject, address: Json | undefined): JsonObject {
  const mediaUrl = wordsIn(address) ?? wordsIn(payload.url)
  const caption = wordsIn(payload.title)
  if (mediaUrl === undefined || !isUrl(mediaUrl))
    return textOf(payload, [caption, mediaUrl].filter(Boolean).join('\n'))
  return { type, mediaUrl, ...(caption !== undefined && { text: caption }) }
}

function locationOf(payload: JsonObject): JsonObject {
  const { address, title } = payload
  const [lat, long] = [numberIn(payload.latitude, -90, 90), numberIn(payload.longitude, -180, 180)]
  if (lat === undefined || long === undefined) return textOf(payload, wordsIn(title) ?? address)
  const location = {
    ...(typeof address === 'string' && { address }),
    ...(typeof title === 'string' && { name: title }),
  }
  return {
    type: 'location',
    coordinates: { lat, long },
    ...(Object.keys(location).length > 0 && { location }),
  }
}

/** Cards that say nothing are left out. */
function carouselOf(payload: JsonObject, cards: readonly Json[]): JsonObject {
  const items = cards.slice(0, MAX_SHOWN).flatMap((card) => (isJsonObject(card) ? itemsOf(card) : []))
  return items.length > 0 ? { type: 'carousel', items } : textOf(payload, undefined)
}

/** An item has at least one action. */
function itemsOf({ title, subtitle, image, actions }: JsonObject): JsonObject[] {
  const [label, description] = [labelIn(title), labelIn(subtitle)]
  const given = listIn(actions).slice(0, MAX_ITEM_ACTIONS).flatMap(actionsOf)
  const mediaUrl = typeof image === 'string' && isUrl(image) ? image : undefined
  if (label === undefined && description === undefined && !mediaUrl && given.length === 0) return []
  const text = label ?? NOTHING
  const item: JsonObject = { title: text }
  if (description !== undefined) item.description = description
  if (mediaUrl !== undefined) item.mediaUrl = mediaUrl
  item.actions = given.length > 0 ? given : [{ type: 'postback', text, payload: text }]
  return [item]
}

function labelIn(value: Json | undefined): string | undefined {
  const words = wordsIn(value)
  return words && truncate(words, MAX_LABEL)
}

/** None for a link that leads nowhere, and for what says nothing. */
function actionsOf(button: Json): JsonObject[] {
  if (!isJsonObject(button)) return []
  const { action, title, url, payload, text } = button
  const label = labelIn(title)
  if (action === 'Open URL') {
    const uri = wordsIn(url)
    return uri === undefined ? [] : [{ type: 'link', text: label ?? truncate(uri, MAX_LABEL), uri }]
  }
  const value = wordsIn(payload) ?? wordsIn(text) ?? label
  return value === undefined
    ? []
    : [{ type: 'postback', text: label ?? truncate(value, MAX_LABEL), payload: value }]
}

function repliesIn({ choices, options }: JsonObject): JsonObject[] {
  return [...listIn(choices).slice(0, MAX_SHOWN), ...listIn(options).slice(0, MAX_SHOWN)].flatMap(
    (choice) => {
      if (!isJsonObject(choice)) return []
      const { title, label, value } = choice
      const text = wordsIn(title) ?? wordsIn(label) ?? wordsIn(value)
      return text === undefined
        ? []
        : [{ type: 'reply', text: truncate(text, MAX_LABEL), payload: wordsIn(value) ?? text }]
    },
  )
}
