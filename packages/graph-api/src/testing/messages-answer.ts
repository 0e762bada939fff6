import type { Answer } from '@plugboard/core/testing'
import { z } from 'zod'
import { graphRefusal, jsonAnswer } from './graph-answer.js'

/** A message that a person got. */
export interface ShownMessage {
  /** The page or the account that sent it. */
  account: string
  to: string
  id: string
  message: z.infer<typeof messageSchema>
  messagingType: string | undefined
}

/** What differs between Messenger and Instagram. */
export interface MessagesRules {
  /** Whether a text is short enough. */
  isShort(text: string): boolean
  /** Attachments that are taken. */
  files: readonly string[]
  /** Types of messages that a call must name one of; undefined: it names none. */
  messagingTypes?: readonly string[]
  /** Names of templates that Meta has approved. Default: all. */
  templates?: readonly string[]
  /** What a person answers who cannot be reached. */
  unreachable?: Readonly<Record<string, Answer>>
  /** Addresses that lead to no file. */
  brokenFiles?: readonly string[]
  /** Types of uploaded files by their ids. Default: none was uploaded. */
  uploads?: ReadonlyMap<string, { type: string }>
}

const id = z.string().regex(/^\d{1,32}$/)
const webUrl = z.url({ protocol: /^https?$/ })
const label = z.string().regex(/\S/).max(20)
const payload = z.string().min(1).max(1000)

const buttonSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('web_url'), title: label, url: webUrl }),
  z.strictObject({ type: z.literal('postback'), title: label, payload }),
])
const buttons = z.array(buttonSchema).min(1).max(3)

const elementSchema = z
  .strictObject({
    title: z.string().regex(/\S/).max(80),
    subtitle: z.string().max(80).optional(),
    image_url: webUrl.optional(),
    buttons: buttons.optional(),
  })
  .refine((element) => Object.keys(element).length > 1, 'one property beside the title is required')

const templateSchema = z.discriminatedUnion('template_type', [
  z.strictObject({
    template_type: z.literal('generic'),
    elements: z.array(elementSchema).min(1).max(10),
  }),
  z.strictObject({ template_type: z.literal('button'), text: z.string().regex(/\S/).max(640), buttons }),
])

const attachmentSchema = z.union([
  z.strictObject({ type: z.literal('template'), payload: templateSchema }),
  z.strictObject({
    type: z.enum(['image', 'audio', 'video', 'file']),
    payload: z.union([z.strictObject({ url: webUrl }), z.strictObject({ attachment_id: id })]),
  }),
])

const messageSchema = z
  .strictObject({
    text: z.string().regex(/\S/).optional(),
    attachment: attachmentSchema.optional(),
    template: z
      .strictObject({
        name: z.string().min(1),
        language: z.strictObject({ code: z.string().min(1) }),
        components: z.array(
          z.strictObject({
            type: z.literal('body'),
            parameters: z.array(z.strictObject({ type: z.literal('text'), text: z.string().min(1) })).min(1),
          }),
        ),
      })
      .optional(),
    quick_replies: z
      .array(z.strictObject({ content_type: z.literal('text'), title: label, payload }))
      .min(1)
      .max(13)
      .optional(),
  })
  .refine(
    ({ text, attachment, template }) => [text, attachment, template].filter(Boolean).length === 1,
    'a text, an attachment or a template is required',
  )

const sendSchema = z.strictObject({
  recipient: z.strictObject({ id }),
  messaging_type: z.string().optional(),
  message: messageSchema,
})
const actionSchema = z.strictObject({
  recipient: z.strictObject({ id }),
  sender_action: z.enum(['typing_on', 'typing_off', 'mark_seen']),
})

const invalid = (message: string, subcode?: number): Answer =>
  graphRefusal(400, 100, message, subcode === undefined ? {} : { error_subcode: subcode })

/**
 * The answer to a POST to `/{page or account}/messages`, for the JSON of its body. A message that is taken goes into
 * `shown`.
 */
export function messagesAnswer(
  account: string,
  json: unknown,
  shown: ShownMessage[],
  rules: MessagesRules,
): Answer {
  const action = actionSchema.safeParse(json).data
  if (action) return jsonAnswer(200, { recipient_id: action.recipient.id })
  const { data, error } = sendSchema.safeParse(json)
  if (!data) return invalid(`Param message is invalid: ${z.prettifyError(error)}`)
  const { recipient, messaging_type: messagingType, message } = data
  const fault = faultOf(message, messagingType, rules) ?? rules.unreachable?.[recipient.id]
  if (fault) return fault
  const sent = { account, to: recipient.id, id: `m_${shown.length + 1}`, message, messagingType }
  shown.push(sent)
  return jsonAnswer(200, { recipient_id: recipient.id, message_id: sent.id })
}

function faultOf(
  { text, attachment, template }: ShownMessage['message'],
  type: string | undefined,
  rules: MessagesRules,
): Answer | undefined {
  const { messagingTypes, templates, files, brokenFiles = [], uploads } = rules
  if (messagingTypes ? !messagingTypes.includes(type ?? '') : type !== undefined)
    return invalid('Param messaging_type is invalid')
  if (text !== undefined && !rules.isShort(text)) return invalid('Length of param message[text] is too long')
  const isApproved = !template || (templates?.includes(template.name) ?? true)
  if (!isApproved || (template !== undefined) !== (type === 'UTILITY'))
    return invalid('The template does not exist')
  if (!attachment || attachment.type === 'template') return undefined
  if (!files.includes(attachment.type)) return invalid('Attachments of this type are not supported')
  const { payload } = attachment
  if ('attachment_id' in payload)
    return uploads?.get(payload.attachment_id)?.type === attachment.type
      ? undefined
      : invalid('The attachment does not exist')
  return brokenFiles.includes(payload.url)
    ? invalid('Failed to fetch the file from the url', 2_018_008)
    : undefined
}
