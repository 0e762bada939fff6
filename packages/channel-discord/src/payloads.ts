import { type Issue, invalid } from '@plugboard/core'
import { z } from 'zod'
import { snowflake } from './endpoint.js'

/** Most items of a list that a message has. Discord's own limits are lower. */
const MAX_ITEMS = 100
/** Most faults that an error names. */
const MAX_ISSUES = 5

/** Null or of an unexpected form: an odd detail must not cost the message. */
const odd = <T extends z.ZodType>(schema: T) => schema.nullish().catch(undefined)
const text = odd(z.string())
/** An odd item must not cost the others. */
const few = <T extends z.ZodType>(item: T) =>
  z.array(z.unknown()).transform((items) =>
    items.slice(0, MAX_ITEMS).flatMap((each) => {
      const { success, data } = item.safeParse(each)
      return success ? [data] : []
    }),
  )
const record = <T extends z.ZodType>(value: T) => odd(z.record(z.string(), value))

const userSchema = z.object({
  id: snowflake,
  username: text,
  global_name: text,
  bot: odd(z.boolean()),
  system: odd(z.boolean()),
})
export type User = z.infer<typeof userSchema>

const memberSchema = z.object({ nick: text, user: odd(userSchema) })

/** https://docs.discord.com/developers/resources/message#attachment-object */
const attachmentSchema = z.object({
  id: snowflake,
  filename: text,
  title: text,
  description: text,
  content_type: text,
  size: odd(z.int().min(0)),
  url: z.url({ protocol: /^https?$/ }),
})
export type Attachment = z.infer<typeof attachmentSchema>

/** https://docs.discord.com/developers/resources/sticker#sticker-item-object */
const stickerSchema = z.object({ id: snowflake, name: text, format_type: odd(z.int()) })
export type Sticker = z.infer<typeof stickerSchema>

const pollSchema = z.object({
  question: odd(z.object({ text })),
  answers: odd(few(z.object({ poll_media: odd(z.object({ text })) }))),
})

/** What a message says. A snapshot of a forwarded message has these fields alone. */
const bodySchema = z.object({
  type: odd(z.int()),
  content: text,
  flags: odd(z.int()),
  timestamp: text,
  mentions: odd(few(userSchema.extend({ member: odd(memberSchema) }))),
  attachments: odd(few(attachmentSchema)),
  sticker_items: odd(few(stickerSchema)),
  poll: odd(pollSchema),
  activity: odd(z.looseObject({})),
})
export type Body = z.infer<typeof bodySchema>

const referenceSchema = z.object({
  type: odd(z.int()),
  message_id: odd(snowflake),
  channel_id: odd(snowflake),
})

/** https://docs.discord.com/developers/resources/message#message-object */
const messageSchema = bodySchema.extend({
  id: snowflake,
  channel_id: snowflake,
  guild_id: odd(snowflake),
  author: odd(userSchema),
  member: odd(memberSchema),
  webhook_id: text,
  edited_timestamp: text,
  message_reference: odd(referenceSchema),
  message_snapshots: odd(few(z.object({ message: bodySchema }))),
  referenced_message: odd(bodySchema.extend({ author: odd(userSchema) })),
})
export type Message = z.infer<typeof messageSchema>

/** A message that another one refers to, which may be of any form. */
export const findMessage = (value: unknown): Message | undefined => messageSchema.safeParse(value).data

const deletedSchema = z.object({ id: snowflake, channel_id: snowflake })
const bulkDeletedSchema = z.object({ ids: z.array(snowflake).max(1000), channel_id: snowflake })

const emojiSchema = z.object({ id: odd(snowflake), name: text })
/** https://docs.discord.com/developers/events/gateway-events#message-reaction-add */
const reactionSchema = z.object({
  user_id: snowflake,
  channel_id: snowflake,
  message_id: snowflake,
  message_author_id: odd(snowflake),
  member: odd(memberSchema),
  emoji: emojiSchema,
})

const optionValue = z.union([z.string(), z.number(), z.boolean()])
/** An option of a command: a value, or a subcommand with options. Discord nests them three levels deep at most. */
export interface Option {
  name: string
  type: number
  value?: z.infer<typeof optionValue> | null | undefined
  options?: Option[] | null | undefined
}
const optionFields = { name: z.string(), type: z.int(), value: odd(optionValue) }
const leafSchema = z.object(optionFields)
const commandOptionSchema = z.object({ ...optionFields, options: odd(few(leafSchema)) })
const optionSchema = z.object({ ...optionFields, options: odd(few(commandOptionSchema)) })

const resolvedSchema = z.object({
  users: record(userSchema),
  members: record(memberSchema),
  roles: record(z.object({ name: text })),
  channels: record(z.object({ name: text })),
  attachments: record(attachmentSchema),
  messages: record(z.unknown()),
})
export type Resolved = z.infer<typeof resolvedSchema>

/** https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object */
const interactionSchema = z.object({
  id: snowflake,
  application_id: snowflake,
  type: z.int(),
  // It becomes a part of an address.
  token: z
    .string()
    .min(1)
    .max(2000)
    .refine((token) => token.isWellFormed(), 'must be well-formed'),
  channel_id: odd(snowflake),
  channel: odd(z.object({ id: snowflake })),
  member: odd(memberSchema),
  user: odd(userSchema),
  locale: text,
  context: odd(z.int()),
  authorizing_integration_owners: odd(z.record(z.string(), z.unknown())),
  message: odd(z.object({ id: snowflake, channel_id: odd(snowflake), components: z.unknown().optional() })),
  data: z.unknown().optional(),
})
export type Interaction = z.infer<typeof interactionSchema>

const commandSchema = z.object({
  name: z.string().min(1).max(200),
  type: odd(z.int()),
  options: odd(few(optionSchema)),
  target_id: odd(snowflake),
  resolved: odd(resolvedSchema),
})
export type Command = z.infer<typeof commandSchema>

const pressSchema = z.object({
  custom_id: z.string().min(1).max(200),
  component_type: z.int(),
  values: odd(few(z.string())),
  resolved: odd(resolvedSchema),
})

const entrySchema = z.object({
  type: z.int(),
  custom_id: text,
  value: odd(optionValue),
  values: odd(few(z.string())),
})
export type Entry = z.infer<typeof entrySchema>
/** A field is in a row, as in older forms, or in a label. */
const modalSchema = z.object({
  custom_id: z.string().min(1).max(200),
  components: few(z.object({ components: odd(few(entrySchema)), component: odd(entrySchema) })),
  resolved: odd(resolvedSchema),
})

/** What a request is: an interaction, or an event about the app, which has an `event`. */
const envelopeSchema = z.object({ type: z.int(), event: z.unknown().optional() })

/** @throws PlugboardError INVALID, with names of fields but no values. */
const reader =
  <T>(whole: string, schema: z.ZodType<T>) =>
  (value: unknown): T => {
    const result = schema.safeParse(value)
    if (result.success) return result.data
    throw invalid(
      ...result.error.issues.slice(0, MAX_ISSUES).map(
        ({ path, message }): Issue => ({
          path: [whole, ...path.map((part) => String(part).slice(0, 40))],
          message: message.slice(0, 100),
        }),
      ),
    )
  }

export const readEnvelope = reader('body', envelopeSchema)
export const readInteraction = reader('body', interactionSchema)
export const readCommand = reader('data', commandSchema)
export const readPress = reader('data', pressSchema)
export const readModal = reader('data', modalSchema)
export const readMessage = reader('message', messageSchema)
export const readDeleted = reader('event', deletedSchema)
export const readBulkDeleted = reader('event', bulkDeletedSchema)
export const readReaction = reader('reaction', reactionSchema)
