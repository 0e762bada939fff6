import { type Issue, invalid, isStorable } from '@plugboard/core'
import { z } from 'zod'

/** Most faults that are reported; a hostile body may have a million. */
const MAX_ISSUES = 5

/** An id of Slack. */
const id = z.string().min(1).max(200).refine(isStorable)
/** `1700000000.000100`: seconds and a number, unique in its channel. */
const ts = z.string().regex(/^\d{1,12}\.\d{1,9}$/)
const text = z.string().nullish()

/** Most files, attachments or actions in a request; Slack sends only a few. */
const MAX_ITEMS = 100
/** A list whose length is checked before its items. */
const few = <T extends z.ZodType>(item: T) => z.array(z.unknown()).max(MAX_ITEMS).pipe(z.array(item))

const fileSchema = z.object({
  id,
  name: text,
  title: text,
  mimetype: text,
  size: z.number().nullish(),
  /**
   * `external` is stored outside Slack; `tombstone` and `hidden_by_limit` are gone; `quip`, `list` and `post` are
   * documents that only Slack shows.
   */
  mode: text,
  /** `slack_audio` and `slack_video` are recorded in Slack. */
  subtype: text,
  /** `check_file_info`: a file of another workspace, which must be requested by id. */
  file_access: text,
  url_private: text,
  external_url: text,
  permalink: text,
  /** The text of a forwarded e-mail, or the start of it. */
  plain_text: text,
  preview: text,
})
export type SlackFile = z.infer<typeof fileSchema>

/** Any form, because an odd attachment must not cost the message. */
const odd = z.string().nullish().catch(undefined)

const attachmentSchema = z.object({
  /** Whether it is a message that the person forwarded. */
  is_share: z.boolean().nullish().catch(undefined),
  /** Whether it is a message: forwarded, or the preview of a link to a message. */
  is_msg_unfurl: z.boolean().nullish().catch(undefined),
  /** Whether an app made it as a preview of a link. */
  is_app_unfurl: z.boolean().nullish().catch(undefined),
  /** Addresses that a preview is about. */
  from_url: odd,
  original_url: odd,
  title_link: odd,
  app_unfurl_url: odd,
  author_name: odd,
  author_subname: odd,
  pretext: odd,
  title: odd,
  text: odd,
  fallback: odd,
  image_url: odd,
  fields: few(z.object({ title: odd, value: odd }))
    .nullish()
    .catch(undefined),
  blocks: z.unknown().optional(),
  /** The blocks of a forwarded message. */
  message_blocks: few(z.object({ message: z.object({ blocks: z.unknown().optional() }).nullish() }))
    .nullish()
    .catch(undefined),
  files: few(fileSchema).nullish().catch(undefined),
})
export type Attachment = z.infer<typeof attachmentSchema>

const postSchema = z.object({
  user: id.nullish(),
  bot_id: id.nullish(),
  subtype: text,
  text,
  ts,
  thread_ts: ts.nullish(),
  /** Set by the apps of Slack in which people write. */
  client_msg_id: z.string().nullish().catch(undefined),
  edited: z.object({ ts: z.string() }).nullish().catch(undefined),
  blocks: z.unknown().optional(),
  files: few(fileSchema).nullish(),
  attachments: few(attachmentSchema).nullish(),
  user_profile: z.object({ real_name: text, display_name: text }).nullish(),
})
/** A message of a person or a bot, in an event or in the `message` of a change. */
export type Post = z.infer<typeof postSchema>

const oldPostSchema = postSchema.omit({ files: true }).nullish()

/** Any other subtype is a new message. */
const newSchema = postSchema.extend({ channel: id })
const changedSchema = z.object({ channel: id, message: postSchema, previous_message: oldPostSchema })
const deletedSchema = z.object({ channel: id, deleted_ts: ts, previous_message: oldPostSchema })

const reactionSchema = z.object({
  type: z.enum(['reaction_added', 'reaction_removed']),
  user: id,
  reaction: z.string().min(1).max(200),
  item: z.object({ type: z.string(), channel: id.optional(), ts: ts.optional() }),
  event_ts: ts,
})

const homeSchema = z.object({ user: id, channel: id.nullish(), tab: text })
const assistantSchema = z.object({
  assistant_thread: z.object({ user_id: id, channel_id: id, thread_ts: ts }),
})

const envelopeSchema = z.object({
  type: z.string(),
  challenge: z.string().max(1000).optional(),
})
const callbackSchema = z.object({
  event_id: id,
  event_time: z.int().min(0).max(999_999_999_999),
  event: z.looseObject({ type: z.string(), subtype: text }),
  authorizations: few(z.object({ user_id: id.nullish(), is_bot: z.boolean().nullish() })).nullish(),
})
export type Callback = z.infer<typeof callbackSchema>

const oddId = id.nullish().catch(undefined)
const teamSchema = z.object({ id: oddId, enterprise_id: oddId }).nullish().catch(undefined)
/** Where the app is installed, in each kind of payload; a slash command has a text for each field. */
const originSchema = z.object({
  is_enterprise_install: z
    .union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])
    .nullish()
    .catch(undefined),
  enterprise_id: oddId,
  enterprise: z.object({ id: oddId }).nullish().catch(undefined),
  team_id: oddId,
  team: teamSchema,
  user: z.object({ team_id: oddId }).nullish().catch(undefined),
  /** Of a dialog that a person of another workspace opened. */
  view: z.object({ app_installed_team_id: oddId }).nullish().catch(undefined),
})
export type Origin = z.infer<typeof originSchema>

const originsSchema = originSchema.extend({
  authorizations: few(originSchema).nullish().catch(undefined),
})

/** Where a payload comes from; undefined for what is not one. */
export const findOrigins = (value: unknown): z.infer<typeof originsSchema> | undefined =>
  originsSchema.safeParse(value).data

const words = z.object({ text: z.string() }).nullish().catch(undefined)
const optionSchema = z.object({ value: z.string().nullish(), text: words })
const names = few(z.string()).nullish()

/** What a person entered or chose in one element: in a message, or in the state of a dialog. */
const entrySchema = z.object({
  type: z.string(),
  value: z.string().nullish(),
  /** The label of a button. */
  text: words,
  selected_option: optionSchema.nullish(),
  selected_options: few(optionSchema).nullish(),
  selected_user: text,
  selected_users: names,
  selected_conversation: text,
  selected_conversations: names,
  selected_channel: text,
  selected_channels: names,
  selected_date: text,
  selected_time: text,
  selected_date_time: z.number().nullish(),
  rich_text_value: z.unknown().optional(),
  files: few(fileSchema).nullish(),
})
export type Entry = z.infer<typeof entrySchema>

const actionSchema = entrySchema.extend({
  action_id: z.string().max(300).default(''),
  block_id: z.string().max(300).default(''),
  action_ts: ts.optional(),
  /** Instead of the `action_id`, in attachments of the old kind. */
  name: z.string().max(300).nullish(),
})
export type Action = z.infer<typeof actionSchema>

/** A record with few fields. */
const fewFields = <T extends z.ZodType>(value: T) =>
  z
    .record(z.string(), z.unknown())
    .refine((fields) => Object.keys(fields).length <= MAX_ITEMS, `must have at most ${MAX_ITEMS} fields`)
    .pipe(z.record(z.string(), value))

const viewSchema = z.object({
  id: id.nullish(),
  hash: text,
  callback_id: text,
  blocks: few(z.object({ block_id: text, label: words }))
    .nullish()
    .catch(undefined),
  state: z.object({ values: fewFields(fewFields(entrySchema)) }).nullish(),
})
export type View = z.infer<typeof viewSchema>

const interactionSchema = z.object({
  type: z.string(),
  user: z.object({ id, name: text, username: text }),
  trigger_id: id.nullish(),
  action_ts: ts.nullish(),
  message_ts: ts.nullish(),
  callback_id: text,
  channel: z.object({ id }).nullish(),
  container: z
    .object({ channel_id: id.nullish(), thread_ts: ts.nullish(), message_ts: ts.nullish() })
    .nullish(),
  message: z.looseObject({ ts: ts.nullish(), thread_ts: ts.nullish() }).nullish(),
  actions: few(actionSchema).nullish(),
  view: viewSchema.nullish(),
  /** The fields of a dialog of the old kind. */
  submission: fewFields(z.string().nullish()).nullish(),
})
export type Interaction = z.infer<typeof interactionSchema>

/** The message of a shortcut; undefined for what is not one. */
export const findPost = (value: unknown): Post | undefined => postSchema.safeParse(value).data

const commandSchema = z.object({
  command: z.string().min(1).max(200),
  text: z.string().default(''),
  user_id: id,
  user_name: z.string().optional(),
  channel_id: id.optional(),
  trigger_id: id,
})

const headersSchema = z.object({
  'content-type': z.string(),
  'x-slack-request-timestamp': z.string().regex(/^\d{1,12}$/, 'must be seconds since 1970'),
})

/** @throws PlugboardError INVALID, with names of fields but no values. */
const reader =
  <T>(whole: string, schema: z.ZodType<T>) =>
  (value: unknown): T => {
    const result = schema.safeParse(value)
    if (result.success) return result.data
    throw invalid(
      ...result.error.issues.slice(0, MAX_ISSUES).map(
        ({ path, message }): Issue => ({
          path: [whole, ...path.map(String)],
          message: message.slice(0, 100),
        }),
      ),
    )
  }

export const readHeaders = reader('headers', headersSchema)
export const readEnvelope = reader('body', envelopeSchema)
export const readCallback = reader('body', callbackSchema)
export const readNew = reader('event', newSchema)
export const readChanged = reader('event', changedSchema)
export const readDeleted = reader('event', deletedSchema)
export const readReaction = reader('event', reactionSchema)
export const readHome = reader('event', homeSchema)
export const readAssistant = reader('event', assistantSchema)
export const readInteraction = reader('payload', interactionSchema)
export const readCommand = reader('body', commandSchema)
