import type { Json, JsonObject } from '@plugboard/core'
import type { z } from 'zod'
import type { actionSchema, contentSchema, itemSchema } from './content-schemas.js'

/** Content of this API to and from the domain's. Pure. */

type Content = z.infer<typeof contentSchema>
type Action = z.infer<typeof actionSchema>
type Item = z.infer<typeof itemSchema>

/** The payload that says the same, so that every channel and every other API can show it. */
export function toPayload(content: Content): JsonObject {
  switch (content.type) {
    case 'text':
      return withActions({ type: 'text', text: content.text ?? '' }, content.actions)
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
      return { type: 'template', template: content.template as Json }
  }
}

/** Replies become choices; everything else needs a card to stand on. */
function withActions(payload: JsonObject, actions: readonly Action[] = []): JsonObject {
  if (actions.length === 0) return payload
  if (actions.every(isReply)) return withChoices(payload, actions)
  const { image, title } = payload as { image?: string; title?: string }
  return {
    type: 'card',
    title: String(payload.type === 'text' ? payload.text : (title ?? '')),
    ...(image !== undefined && { image }),
    actions: actions.map(buttonOf),
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

/** What a payload says, as content of this API. What it has no words for becomes text. */
export function fromPayload(payload: JsonObject): JsonObject {
  const content = bodyOf(payload)
  const replies = choicesOf(payload)
  if (replies.length === 0 || content.type === 'file') return content
  if (content.type === 'carousel' || content.type === 'location') return content
  return { ...content, actions: replies }
}

function bodyOf(payload: JsonObject): JsonObject {
  const { type, text, title, url, image, audio, video, file } = payload as Record<string, string>
  const caption = typeof title === 'string' && title !== '' ? { text: title } : {}
  switch (type) {
    case 'image':
      return { type: 'image', mediaUrl: String(image ?? url), ...caption }
    case 'audio':
    case 'voice':
      return { type: 'file', mediaUrl: String(audio ?? url), ...caption }
    case 'video':
      return { type: 'file', mediaUrl: String(video ?? url), ...caption }
    case 'file':
      return { type: 'file', mediaUrl: String(file ?? url), ...caption }
    case 'location':
      return locationOf(payload)
    case 'card':
      return { type: 'carousel', items: [itemOf(payload)] }
    case 'carousel':
      return { type: 'carousel', items: (payload.items as JsonObject[]).map(itemOf) }
    case 'dropdown':
      return { type: 'text', text: String(payload.message) }
    case 'quick_reply':
      return { type: 'text', text: String(text), payload: String(payload.payload) }
    case 'postback':
      return { type: 'text', text: String(payload.payload), payload: String(payload.payload) }
    default:
      return { type: 'text', text: typeof text === 'string' ? text : `[${type}]` }
  }
}

function locationOf({ latitude, longitude, address, title }: JsonObject): JsonObject {
  const location = {
    ...(typeof address === 'string' && { address }),
    ...(typeof title === 'string' && { name: title }),
  }
  return {
    type: 'location',
    coordinates: { lat: Number(latitude), long: Number(longitude) },
    ...(Object.keys(location).length > 0 && { location }),
  }
}

function choicesOf({ choices, options }: JsonObject): JsonObject[] {
  const replies = [...(Array.isArray(choices) ? choices : []), ...(Array.isArray(options) ? options : [])]
  return (replies as JsonObject[]).map(({ title, label, value }) => {
    const text = String(title ?? label)
    return { type: 'reply', text, payload: String(value ?? text) }
  })
}

/** An item has at least one action. */
function itemOf({ title, subtitle, image, actions }: JsonObject): JsonObject {
  const given = (Array.isArray(actions) ? (actions as JsonObject[]) : []).slice(0, 3).map(actionOf)
  const text = String(title).slice(0, 128)
  return {
    title: text,
    ...(typeof subtitle === 'string' && { description: subtitle.slice(0, 128) }),
    ...(typeof image === 'string' && { mediaUrl: image }),
    actions: given.length > 0 ? given : [{ type: 'postback', text, payload: text }],
  }
}

function actionOf({ action, title, url, payload, text }: JsonObject): JsonObject {
  const label = String(title)
  return action === 'Open URL'
    ? { type: 'link', text: label, uri: String(url) }
    : { type: 'postback', text: label, payload: String(payload ?? text ?? label) }
}
