import { z } from 'zod'

/**
 * The content types of message payloads, in the format of the Messaging API. Extra fields are kept. A payload may have
 * any other type: it is stored and passed on unchanged, and only a channel that cannot show it rejects it. `readContent`
 * accepts more than these schemas, and turns it into this form.
 */

const text = z.string('must be text')
const url = text.min(1, 'must not be empty')
const flag = z.boolean('must be true or false')
const number = (min: number, max?: number) => {
  const words =
    max === undefined ? `must be a number of at least ${min}` : `must be a number from ${min} to ${max}`
  const atLeast = z.number(words).min(min, words)
  return max === undefined ? atLeast : atLeast.max(max, words)
}
const list = <T extends z.ZodType>(item: T) => z.array(item, 'must be a list')
const NONE = 'must not be empty'

const saySomething = z.looseObject({ action: z.literal('Say something'), title: text, text })
const openUrl = z.looseObject({ action: z.literal('Open URL'), title: text, url })
const postback = z.looseObject({ action: z.literal('Postback'), title: text, payload: text })

/** A button of a card. */
export const actionSchema = z.discriminatedUnion('action', [saySomething, openUrl, postback])
/** One answer that a person can choose. */
const choiceSchema = z.looseObject({ title: text, value: text })

const optionSchema = z.looseObject({ label: text, value: text })

const common = {
  /** Shows a typing indicator before the message, for `delay` milliseconds. */
  typing: flag.optional(),
  delay: number(0).optional(),
  /** Quick replies; allowed on any type. */
  choices: list(choiceSchema).optional(),
}

const cardFields = {
  title: text,
  subtitle: text.optional(),
  image: url.optional(),
  actions: list(actionSchema).default([]),
  markdown: flag.optional(),
}

const textSchema = z.looseObject({
  ...common,
  type: z.literal('text'),
  text,
  markdown: flag.optional(),
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
  latitude: number(-90, 90),
  longitude: number(-180, 180),
  address: text.optional(),
  title: text.optional(),
})
/** A card in a carousel. */
export const cardBodySchema = z.looseObject(cardFields)
const cardSchema = z.looseObject({ ...common, type: z.literal('card'), ...cardFields })
const carouselSchema = z.looseObject({
  ...common,
  type: z.literal('carousel'),
  items: list(cardBodySchema).min(1, NONE),
})
const choiceContentSchema = z.looseObject({
  ...common,
  type: z.literal('single-choice'),
  text,
  choices: list(choiceSchema).min(1, NONE),
})
const dropdownSchema = z.looseObject({
  ...common,
  type: z.literal('dropdown'),
  message: text,
  options: list(optionSchema).min(1, NONE),
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
