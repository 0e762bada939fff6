import {
  type ButtonReply,
  buttonsOf,
  fromUuid,
  type Id,
  invalid,
  isStorable,
  type JsonObject,
  parseJsonObject,
} from '@plugboard/core'
import { z } from 'zod'
import type { UploadedFile } from './visitor-tokens.js'

/** What a visitor may send. Anything else is for the business. */

const MAX_TEXT = 10_000
const MAX_TITLE = 1_000
/** An id of an upload is a signed text with the name and the address of the file. */
const MAX_UPLOAD_ID = 6_000

const text = (max: number) =>
  z
    .string()
    .max(max, `must have at most ${max} characters`)
    .refine(isStorable, 'must not contain NUL or half of a surrogate pair')
const words = (max: number) => text(max).refine((value) => value.trim() !== '', 'must not be empty')

const messageId = z.string().max(36).optional().describe('The message with the button.')
const title = text(MAX_TITLE).optional()

const file = <T extends string>(type: T) =>
  z.strictObject({
    type: z.literal(type),
    upload: z.string().max(MAX_UPLOAD_ID).describe('The id of an upload to this conversation.'),
    title,
  })

export const visitorPayload = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: words(MAX_TEXT) }),
  z.strictObject({
    type: z.literal('quick_reply'),
    text: text(MAX_TITLE),
    payload: text(MAX_TEXT),
    messageId,
  }),
  z.strictObject({ type: z.literal('postback'), payload: text(MAX_TEXT), messageId }),
  z.strictObject({ type: z.literal('say_something'), text: words(MAX_TEXT), messageId }),
  z.strictObject({
    type: z.literal('location'),
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    title,
    address: title,
  }),
  file('image'),
  file('file'),
  file('audio'),
  file('video'),
])

export type VisitorPayload = z.infer<typeof visitorPayload>

export interface PayloadSources {
  /** The file of an upload of this visitor in this conversation. */
  upload(id: string): Promise<UploadedFile | undefined>
  /** The payload of a message of this conversation. */
  payloadOf(messageId: Id): Promise<string | undefined>
}

/** The payload as it is stored, in the form of what people send in any channel. @throws INVALID */
export async function storedPayload(payload: VisitorPayload, sources: PayloadSources): Promise<JsonObject> {
  switch (payload.type) {
    case 'text':
      return payload
    case 'location':
      return compact(payload)
    case 'quick_reply':
    case 'postback':
    case 'say_something':
      return pressed(payload, sources)
    default: {
      const found = await sources.upload(payload.upload)
      if (!found)
        throw invalid({
          path: ['payload', 'upload'],
          message: 'must be the id of a file that was uploaded to this conversation within the last hour',
        })
      const { url, name, type: mime, size } = found
      // Whatever its sender claims, what the bytes do not show to be a picture is a plain file.
      const isPicture = mime.startsWith('image/')
      const type = payload.type === 'image' && !isPicture ? 'file' : payload.type
      return compact({ type, url, mime, size, name, title: payload.title })
    }
  }
}

/** A value that no message of the conversation offered is marked, because only the visitor vouches for it. */
async function pressed(
  { messageId, ...payload }: Extract<VisitorPayload, { type: ButtonReply['type'] }>,
  sources: PayloadSources,
): Promise<JsonObject> {
  const id = messageId === undefined ? undefined : fromUuid(messageId)
  const offering = id && (await sources.payloadOf(id))
  const isOffered =
    offering !== undefined &&
    buttonsOf(parseJsonObject(offering)).some(
      ({ reply }) => reply.type === payload.type && saidBy(reply) === saidBy(payload),
    )
  const about = offering !== undefined && messageId !== undefined ? { messageId } : {}
  return { ...payload, ...about, ...(!isOffered && { foreign: true }) }
}

const saidBy = (reply: ButtonReply): string => (reply.type === 'say_something' ? reply.text : reply.payload)

/** Without undefined members. */
const compact = (value: Record<string, string | number | undefined>): JsonObject =>
  Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string | number] => entry[1] !== undefined),
  )
