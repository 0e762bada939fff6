import { z } from 'zod'

/**
 * The content types of message payloads, in the format of the Messaging API. Extra fields are kept. A payload may have
 * any other type: it is stored and passed on unchanged, and only a channel that cannot show it rejects it. `readContent`
 * accepts more than these schemas, and turns it into this form.
 */

const text = z.string('must be text')
const words = text.min(1, 'must not be empty')
const url = words
const flag = z.boolean('must be true or false')
const number = (min: number, max?: number) => {
  const words =
    max === undefined ? `must be a number of at least ${min}` : `must be a number from ${min} to ${max}`
  const atLeast = z.number(words).min(min, words)
  return max === undefined ? atLeast : atLeast.max(max, words)
}
const list = <T extends z.ZodType>(item: T) => z.array(item, 'must be a list')
const NONE = 'must not be empty'

const label = text.describe('The label of the button.')

const saySomething = z.looseObject({
  action: z.literal('Say something'),
  title: label,
  text: text.describe('What the person says by pressing it.'),
})
const openUrl = z.looseObject({
  action: z.literal('Open URL'),
  title: label,
  url: url.describe('The address that it opens.'),
})
const postback = z.looseObject({
  action: z.literal('Postback'),
  title: label,
  payload: text.describe('What the bot gets when it is pressed.'),
})

/** A button of a card. */
export const actionSchema = z.discriminatedUnion('action', [saySomething, openUrl, postback])
/** One answer that a person can choose. */
const choiceSchema = z.looseObject({
  title: label,
  value: text.describe('What the bot gets when it is pressed.'),
})

const optionSchema = z.looseObject({
  label: text.describe('What the person sees.'),
  value: text.describe('What the bot gets when it is chosen.'),
})

const common = {
  typing: flag.optional().describe('Whether to show a typing indicator before the message.'),
  delay: number(0)
    .optional()
    .describe('How long to show it, in milliseconds. Default: 1000; at most 10,000.'),
  choices: list(choiceSchema).optional().describe('Quick replies below the message.'),
}

const caption = text.optional().describe('The caption.')
const markdown = flag.optional().describe('Whether the texts are Markdown.')

const cardFields = {
  title: text.describe('The first line.'),
  subtitle: text.optional().describe('The text below it.'),
  image: url.optional().describe('The address of a picture.'),
  actions: list(actionSchema).default([]).describe('The buttons.'),
  markdown,
}

const textSchema = z.looseObject({
  ...common,
  type: z.literal('text'),
  text: text.describe('What to say.'),
  markdown,
})
const imageSchema = z.looseObject({
  ...common,
  type: z.literal('image'),
  image: url.describe('The address of the file.'),
  title: caption,
})
const audioSchema = z.looseObject({
  ...common,
  type: z.literal('audio'),
  audio: url.describe('The address of the file.'),
  title: caption,
})
const voiceSchema = z.looseObject({
  ...common,
  type: z.literal('voice'),
  audio: url.describe('The address of the file.'),
  title: caption,
})
const videoSchema = z.looseObject({
  ...common,
  type: z.literal('video'),
  video: url.describe('The address of the file.'),
  title: caption,
})
const fileSchema = z.looseObject({
  ...common,
  type: z.literal('file'),
  file: url.describe('The address of the file.'),
  title: caption,
})
const locationSchema = z.looseObject({
  ...common,
  type: z.literal('location'),
  latitude: number(-90, 90).describe('In degrees (WGS 84).'),
  longitude: number(-180, 180).describe('In degrees (WGS 84).'),
  address: text.optional().describe('The address in words.'),
  title: text.optional().describe('The name of the place.'),
})
/** A card in a carousel. */
export const cardBodySchema = z.looseObject(cardFields)
const cardSchema = z.looseObject({ ...common, type: z.literal('card'), ...cardFields })
const carouselSchema = z.looseObject({
  ...common,
  type: z.literal('carousel'),
  items: list(cardBodySchema).min(1, NONE).describe('The cards.'),
})
const choiceContentSchema = z.looseObject({
  ...common,
  type: z.literal('single-choice'),
  text: text.describe('The question.'),
  choices: list(choiceSchema).min(1, NONE).describe('The answers.'),
  markdown,
})
const dropdownSchema = z.looseObject({
  ...common,
  type: z.literal('dropdown'),
  message: text.describe('The question.'),
  options: list(optionSchema).min(1, NONE).describe('The answers.'),
  markdown,
})

const templateSchema = z.looseObject({
  ...common,
  type: z.literal('template'),
  name: words.describe('The name of the template at the provider.'),
  language: words.describe('The language of the template, as the provider writes it: `en_US`.'),
  parameters: list(text).optional().describe('What replaces the placeholders of the template, in order.'),
  text: text.optional().describe('What channels without templates show.'),
  markdown,
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
  templateSchema,
])

export type Content = z.infer<typeof contentSchema>
export type ContentType = Content['type']
export type ContentOf<T extends ContentType> = Extract<Content, { type: T }>
export type Card = z.infer<typeof cardBodySchema>
export type Action = z.infer<typeof actionSchema>
export type Choice = z.infer<typeof choiceSchema>

/** Every content type, in the order of the union. */
export const contentTypes = contentSchema.options.map((option) => option.shape.type.value) as ContentType[]
