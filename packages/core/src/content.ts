import { z } from 'zod'
import type { Json, JsonObject } from './json.js'

/**
 * The content types of message payloads, in the format of the Messaging API. Extra fields are kept. A payload may have
 * any other type: it is stored and passed on unchanged, and only a channel that cannot show it rejects it.
 */

const url = z.string().min(1)
const text = z.string()

const saySomething = z.looseObject({ action: z.literal('Say something'), title: text, text })
const openUrl = z.looseObject({ action: z.literal('Open URL'), title: text, url })
const postback = z.looseObject({ action: z.literal('Postback'), title: text, payload: text })

/** A button of a card. */
const actionSchema = z.discriminatedUnion('action', [saySomething, openUrl, postback])
/** One answer that a person can choose. */
const choiceSchema = z.looseObject({ title: text, value: text })

const common = {
  /** Shows a typing indicator before the message, for `delay` milliseconds. */
  typing: z.boolean().optional(),
  delay: z.number().min(0).optional(),
  /** Quick replies; allowed on any type. */
  choices: z.array(choiceSchema).optional(),
}

const cardFields = {
  title: text,
  subtitle: text.optional(),
  image: url.optional(),
  actions: z.array(actionSchema).default([]),
  markdown: z.boolean().optional(),
}

const textSchema = z.looseObject({
  ...common,
  type: z.literal('text'),
  text,
  markdown: z.boolean().optional(),
})
const imageSchema = z.looseObject({
  ...common,
  type: z.literal('image'),
  image: url,
  title: text.optional(),
})
const audioSchema = z.looseObject({
  ...common,
  type: z.literal('audio'),
  audio: url,
  title: text.optional(),
})
const voiceSchema = z.looseObject({
  ...common,
  type: z.literal('voice'),
  audio: url,
  title: text.optional(),
})
const videoSchema = z.looseObject({
  ...common,
  type: z.literal('video'),
  video: url,
  title: text.optional(),
})
const fileSchema = z.looseObject({
  ...common,
  type: z.literal('file'),
  file: url,
  title: text.optional(),
})
const locationSchema = z.looseObject({
  ...common,
  type: z.literal('location'),
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
  address: text.optional(),
  title: text.optional(),
})
/** A card in a carousel. */
const cardBodySchema = z.looseObject(cardFields)
const cardSchema = z.looseObject({ ...common, type: z.literal('card'), ...cardFields })
const carouselSchema = z.looseObject({
  ...common,
  type: z.literal('carousel'),
  items: z.array(cardBodySchema).min(1),
})
const choiceContentSchema = z.looseObject({
  ...common,
  type: z.literal('single-choice'),
  text,
  choices: z.array(choiceSchema).min(1),
})
const dropdownSchema = z.looseObject({
  ...common,
  type: z.literal('dropdown'),
  message: text,
  options: z.array(z.looseObject({ label: text, value: text })).min(1),
})

/** Any content that Plugboard can show. */
export const contentSchema = z.discriminatedUnion('type', [
  textSchema,
  imageSchema,
  audioSchema,
  voiceSchema,
  videoSchema,
  fileSchema,
  locationSchema,
  cardSchema,
  carouselSchema,
  choiceContentSchema,
  dropdownSchema,
])

export type Content = z.infer<typeof contentSchema>
export type ContentType = Content['type']
export type ContentOf<T extends ContentType> = Extract<Content, { type: T }>
export type Card = z.infer<typeof cardBodySchema>
export type Action = z.infer<typeof actionSchema>
export type Choice = z.infer<typeof choiceSchema>

/** Every content type, in the order of the union. */
export const contentTypes = contentSchema.options.map((option) => option.shape.type.value) as ContentType[]

/** Fields that contain lists of content. */
export const listFields = ['choices', 'options', 'actions', 'items'] as const

/** Maximum total of fields, choices, cards and buttons. Validating more takes too long. */
const MAX_MEMBERS = 2000

/**
 * Parses the content of a payload. Undefined if the type is unknown, a field is invalid, or the payload has too many
 * members. Never throws, and takes bounded time for any payload.
 */
export function contentIn(payload: JsonObject): Content | undefined {
  return isSmall(payload) ? contentSchema.safeParse(payload).data : undefined
}

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
