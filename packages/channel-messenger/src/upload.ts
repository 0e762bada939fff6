import { type DeliveryContext, FailureError, type JsonObject } from '@plugboard/core'
import { openSource, uploadSource } from '@plugboard/graph-api'
import { z } from 'zod'
import type { Call, Session } from './api.js'
import type { Config } from './config.js'
import { isContentRefused } from './failure.js'

interface Uploads {
  call: Call
  fetch: typeof globalThis.fetch
  context: DeliveryContext<Config, Session>
}

/** Largest file, in bytes. https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/saving-assets */
const MAX_BYTES = 25 * 1024 * 1024

const fileSchema = z.object({
  attachment: z.object({
    type: z.enum(['image', 'audio', 'video', 'file']),
    payload: z.object({ url: z.string() }),
  }),
})
const uploadSchema = z.object({ attachment_id: z.string().regex(/^\d{1,40}$/) })

/**
 * The same message with an uploaded file. Undefined for a message without a file, for a file that cannot be downloaded, and
 * for one that Messenger refuses.
 * https://developers.facebook.com/docs/messenger-platform/reference/attachment-upload-api
 */
export async function uploadedForm(
  message: JsonObject,
  { call, fetch, context }: Uploads,
): Promise<JsonObject | undefined> {
  const { data } = fileSchema.safeParse(message)
  if (!data) return undefined
  const { type, payload } = data.attachment
  // A page in place of a file says that the file is not there.
  const maxBytes = (mime = '') => (mime.startsWith('text/html') ? undefined : MAX_BYTES)
  const source = await openSource(fetch, payload.url, { maxBytes, signal: context.signal })
  if (!source) return undefined
  const path = [context.integration.config.pageId, 'message_attachments']
  const fields = { message: JSON.stringify({ attachment: { type, payload: { is_reusable: true } } }) }
  const answer = await uploadSource(source, context.signal, (file) =>
    call({ path, form: { fields, name: 'filedata', file } }, context),
  ).catch((error: unknown) => {
    if (isContentRefused(error)) return undefined
    throw error
  })
  if (answer === undefined) return undefined
  const id = uploadSchema.safeParse(answer).data?.attachment_id
  if (id !== undefined) return { ...message, attachment: { type, payload: { attachment_id: id } } }
  throw new FailureError({ kind: 'transient', message: 'Messenger answered without the id of the file' })
}
