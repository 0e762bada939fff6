import { type Failure, FailureError, type Json, type OpenMedia, openProviderFile } from '@plugboard/core'
import { GraphError } from '@plugboard/graph-api'
import { z } from 'zod'
import type { Call, Context } from './api.js'
import type { Options } from './config.js'
import { fileIdSchema } from './message-contents.js'

const fileSchema = z.object({
  url: z.url({ protocol: /^https?$/ }),
  mime_type: z.string().optional().catch(undefined),
  file_size: z.coerce.number().int().min(0).optional().catch(undefined),
})

/** Hosts of Meta's files. They want the access token, and no other host gets it. */
const META = /(^|\.)(fbsbx\.com|fbcdn\.net|whatsapp\.net|facebook\.com)$/

/**
 * Opens a file that a person sent. Its address is asked for each time, because it works for five minutes.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media#download-media
 */
export const openMedia =
  (call: Call, { graphUrl }: Options, fetch: typeof globalThis.fetch) =>
  async (ref: Json, context: Context): Promise<OpenMedia> => {
    const id = fileIdSchema.safeParse(ref)
    if (!id.success) throw gone('the reference is not that of a file at WhatsApp')
    const { phoneNumberId, accessToken } = context.integration.config
    const query = { phone_number_id: phoneNumberId }
    const answer = await call({ path: [id.data], query }, context).catch((error: unknown) => {
      throw error instanceof GraphError && error.details.code === 100 ? gone('the file is gone') : error
    })
    const file = fileSchema.safeParse(answer)
    if (!file.success) throw gone('WhatsApp answered without the address of the file')
    const { url, mime_type: mime, file_size: size } = file.data
    const isMeta = ({ origin, protocol, port, hostname }: URL): boolean =>
      origin === new URL(graphUrl).origin || (protocol === 'https:' && port === '' && META.test(hostname))
    const opened = await openProviderFile({
      provider: 'WhatsApp',
      url: new URL(url),
      credentialsFor: (target) => (isMeta(target) ? { authorization: `Bearer ${accessToken}` } : undefined),
      fetch,
      signal: context.signal,
      failureOf,
    })
    const known = size ?? opened.size
    return { ...opened, ...(mime && { mime }), ...(known !== undefined && { size: known }) }
  }

const gone = (message: string): FailureError => new FailureError({ kind: 'invalid', message })

function failureOf({ ok, status }: Response): Failure | undefined {
  if (ok) return undefined
  if (status === 404 || status === 410) return { kind: 'invalid', message: 'the file is gone' }
  if (status === 401 || status === 403)
    return { kind: 'auth', field: 'accessToken', message: `WhatsApp answered ${status} for the file` }
  return { kind: 'transient', message: `WhatsApp answered ${status} for the file` }
}
