import type { InboundContent, MediaRef } from '@plugboard/core'
import { z } from 'zod'
import { fileIdSchema } from './media.js'

const fileSchema = z.object({
  file_id: fileIdSchema,
  file_size: z.int().optional().catch(undefined),
  mime_type: z.string().optional().catch(undefined),
  file_name: z.string().optional().catch(undefined),
})
const sizesSchema = z
  .array(fileSchema.extend({ width: z.int(), height: z.int() }))
  .min(1)
  .max(100)
const stickerSchema = fileSchema.extend({
  is_animated: z.boolean().optional(),
  is_video: z.boolean().optional(),
  emoji: z.string().optional().catch(undefined),
  thumbnail: fileSchema.optional().catch(undefined),
})
const livePhotoSchema = z.object({ photo: sizesSchema })

type File = z.infer<typeof fileSchema>

function mediaOf({ file_id, file_size, mime_type, file_name }: File, usualMime?: string): MediaRef {
  const mime = mime_type || usualMime
  return {
    ref: file_id,
    ...(mime && { mime }),
    ...(file_size !== undefined && { size: file_size }),
    ...(file_name && { name: file_name }),
  }
}

function largest(sizes: z.infer<typeof sizesSchema>): InboundContent | undefined {
  const [first] = [...sizes].sort((a, b) => b.width * b.height - a.width * a.height)
  return first && { type: 'image', media: mediaOf(first, 'image/jpeg') }
}

type Reader = (value: unknown) => InboundContent | undefined

/** Reads one kind of content. Undefined for a value of an unexpected form. */
export const reader =
  <T>(schema: z.ZodType<T>, read: (value: T) => InboundContent | undefined): Reader =>
  (value) => {
    const result = schema.safeParse(value)
    return result.success ? read(result.data) : undefined
  }

const fileReader = (type: 'file' | 'audio' | 'voice' | 'video', mime?: string): Reader =>
  reader(fileSchema, (value) => ({ type, media: mediaOf(value, mime) }))

/**
 * By field. The order matters: a live photo also has a `photo`, and an animation a `document`. What moves in a live photo
 * or a sticker is left out, because other channels show only a picture.
 */
const readers: Readonly<Record<string, Reader>> = {
  photo: reader(sizesSchema, largest),
  live_photo: reader(livePhotoSchema, ({ photo }) => largest(photo)),
  animation: reader(fileSchema, (value) => ({
    type: value.mime_type === 'image/gif' ? 'image' : 'video',
    media: mediaOf(value, 'video/mp4'),
  })),
  document: fileReader('file'),
  audio: fileReader('audio'),
  voice: fileReader('voice', 'audio/ogg'),
  voice_note: fileReader('voice', 'audio/ogg'),
  video: fileReader('video'),
  video_note: fileReader('video', 'video/mp4'),
  sticker: reader(stickerSchema, ({ is_animated, is_video, emoji, thumbnail, ...still }) => {
    const picture = is_animated || is_video ? thumbnail : still
    if (!picture) return emoji ? { type: 'text', text: emoji } : undefined
    return { type: 'image', media: mediaOf(picture, 'image/webp'), ...(emoji && { title: emoji }) }
  }),
}

/** Fields of Telegram's objects that hold a file. */
export const fileFields: readonly string[] = Object.keys(readers)

/** The file of a message, of a part of a rich message, of a poll or of paid media; undefined if it has none. */
export function fileIn(owner: unknown): InboundContent | undefined {
  if (typeof owner !== 'object' || owner === null) return undefined
  for (const [field, read] of Object.entries(readers)) {
    const content = Object.hasOwn(owner, field) ? read(Reflect.get(owner, field)) : undefined
    if (content) return content
  }
  return undefined
}
