import { z } from 'zod'
import type { Json, JsonObject } from './json.js'

/**
 * The content types that Plugboard knows, as they stand in a message's payload. Their wire form is the Messaging
 * API's. Extra fields are kept. A payload need not be of any of these types: it is stored and passed on as it is,
 * and only a channel that cannot show it objects.
 */

const url = z.string().min(1)
const text = z.string()

const saySomething = z.looseObject({ action: z.literal('Say something'), title: text, text })
const openUrl = z.looseObject({ action: z.literal('Open URL'), title: text, url })
const postback = z.looseObject({ action: z.literal('Postback'), title: text, payload: text })

/** A button of a card. */
const actionSchema = z.discriminatedUnion('action', [saySomething, openUrl, postback])
/** One answer that a person may choose. */
const choiceSchema = z.looseObject({ title: text, value: text })

const common = {
  /** Show an indicator before the message, for `delay` milliseconds. */
  typing: z.boolean().optional(),
  delay: z.number().min(0).optional(),
  /** Quick replies may hang on any type. */
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
/** A card as it stands in a carousel. */
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

/** Any content that Plugboard knows how to show. */
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

/** Fields that hold lists of what may be shown. */
export const listFields = ['choices', 'options', 'actions', 'items'] as const

/** Fields, choices, cards and buttons that content may have, all together. To check more than that takes too long. */
const MAX_MEMBERS = 2000

/**
 * The content that a payload holds. Undefined for a payload of no known type, with a field that is not what its type
 * asks for, or with too many members to be looked at. Never throws, and ends in bounded time whatever the payload.
 */
export function contentIn(payload: JsonObject): Content | undefined {
  return isSmall(payload) ? contentSchema.safeParse(payload).data : undefined
}

/** Counts only what the schemas look at: other fields may hold anything. */
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
