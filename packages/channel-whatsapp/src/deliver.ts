import {
  type DeliveryContext,
  FailureError,
  isJsonObject,
  type Json,
  type Part,
  type Sent,
} from '@plugboard/core'
import { openSource, uploadSource } from '@plugboard/graph-api'
import { z } from 'zod'
import type { Call, Session } from './api.js'
import type { Config } from './config.js'
import { isGroup, numberIn, recipientOf } from './endpoint.js'
import { isContentRefused } from './failure.js'
import { type FileType, MAX_BYTES, shownAs } from './limits.js'
import { type FileMessage, fileMessage, type Message, type TemplateMessage } from './outbound.js'
import { fileIn, isFile, linkedFileIn, nextForm, parametersOf } from './second-form.js'
import { markOf } from './statuses.js'

type Context = DeliveryContext<Config, Session>

const sentSchema = z.object({
  messages: z.array(z.object({ id: z.string().min(1).max(256) })).min(1),
  contacts: z
    .array(z.object({ wa_id: z.string().optional().catch(undefined) }))
    .optional()
    .catch(undefined),
})

/**
 * Sends one message. A form that WhatsApp refuses at once is followed by the next one; of one that it refuses later, the
 * host sends the `secondForm`.
 */
export const deliver =
  (call: Call, fetch: typeof globalThis.fetch) =>
  async (part: Part, context: Context): Promise<Sent> => {
    let form = part
    for (;;) {
      try {
        const message = await messageOf(form, call, fetch, context)
        if (message) return await post(message, call, context, { isSecondForm: form !== part })
      } catch (error) {
        if (!isContentRefused(error) || !nextForm(form)) throw error
      }
      form = nextForm(form) ?? refuse()
    }
  }

const refuse = (): never => {
  throw new FailureError({
    kind: 'invalid',
    message: 'the file cannot be downloaded, and the message has no form without it',
  })
}

async function post(
  message: Message,
  call: Call,
  context: Context,
  form: { isSecondForm: boolean },
): Promise<Sent> {
  const { endpoint, integration, deliveryId } = context
  const json = {
    ...{ messaging_product: 'whatsapp', ...recipientOf(endpoint), ...message },
    // Comes back in the statuses of the message.
    biz_opaque_callback_data: markOf(deliveryId, form),
  }
  const answer = await call({ path: [integration.config.phoneNumberId, 'messages'], json }, context)
  const { data } = sentSchema.safeParse(answer)
  if (!data) {
    const message = 'WhatsApp answered without the id of the message'
    throw new FailureError({ kind: 'ambiguous', message })
  }
  const movedTo = movedIn(data.contacts?.[0]?.wa_id, context)
  return { providerMessageIds: data.messages.map(({ id }) => id), ...(movedTo && { movedTo }) }
}

/** WhatsApp writes some numbers in another way, as those of Brazil and Mexico, and names people so from then on. */
function movedIn(waId: string | undefined, { endpoint }: Context) {
  const [from, to] = [numberIn(endpoint.sender), numberIn(waId)]
  if (isGroup(endpoint) || from === undefined || to === undefined || to === endpoint.sender) return undefined
  return { ...endpoint, sender: to }
}

/** The message of a form. Undefined for a file that cannot be had, or that WhatsApp does not take. */
async function messageOf(
  { call: what, args }: Part,
  call: Call,
  fetch: typeof globalThis.fetch,
  context: Context,
): Promise<Message | undefined> {
  // `render` made the args.
  const message = args as Message
  const uploads = { call, fetch, context }
  if (what !== 'upload') return message
  if (message.type === 'template') return withUploads(message, uploads)
  return isFile(message) ? uploaded(message, uploads) : message
}

interface Uploads {
  call: Call
  fetch: typeof globalThis.fetch
  context: Context
}

/** The same message with an uploaded file. A file of another type than wanted becomes a document. */
async function uploaded(wanted: FileMessage, uploads: Uploads): Promise<Message | undefined> {
  const { link = '', caption, filename, voice } = fileIn(wanted) ?? {}
  const file = await upload(link, wanted.type, uploads)
  if (!file) return undefined
  const { id, type, name } = file
  return fileMessage(type, {
    id,
    ...(caption !== undefined && type !== 'audio' && { caption }),
    ...(type === 'document' && { filename: filename ?? name }),
    ...(voice && type === 'audio' && { voice }),
  })
}

/** The same template with uploaded files. Undefined if one of them cannot be had, or has another type than wanted. */
async function withUploads({ template }: TemplateMessage, uploads: Uploads): Promise<Message | undefined> {
  const components: Json[] = []
  for (const component of template.components ?? []) {
    const parameters: Json[] = []
    for (const parameter of parametersOf(component)) {
      const file = linkedFileIn(parameter)
      const own = file && (await upload(file.link, file.type, uploads))
      if (file && own?.type !== file.type) return undefined
      const { filename = own?.name } = file ?? {}
      const args = { id: own?.id ?? '', ...(file?.type === 'document' && filename && { filename }) }
      // A payload is JSON.
      parameters.push(file ? { type: file.type, [file.type]: args } : (parameter as Json))
    }
    components.push(
      isJsonObject(component) && parameters.length > 0 ? { ...component, parameters } : component,
    )
  }
  return { type: 'template', template: { ...template, components } }
}

const uploadSchema = z.object({ id: z.string().min(1).max(256) })

/**
 * Downloads a file and uploads it. Undefined if it cannot be had, or if WhatsApp does not take it.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media#upload-media
 */
async function upload(link: string, wanted: FileType, { call, fetch, context }: Uploads) {
  const { integration, signal } = context
  // A page in place of a picture says that the picture is not there.
  const isPage = (mime = ''): boolean => wanted !== 'document' && mime.startsWith('text/')
  const maxBytes = (mime: string | undefined) => (isPage(mime) ? undefined : MAX_BYTES[shownAs(wanted, mime)])
  const source = await openSource(fetch, link, { maxBytes, signal })
  if (!source) return undefined
  const answer = await uploadSource(source, signal, (file) => {
    const fields = { messaging_product: 'whatsapp', type: file.mime }
    const path = [integration.config.phoneNumberId, 'media']
    return call({ path, form: { fields, name: 'file', file } }, context)
  })
  if (answer === undefined) return undefined
  const { data } = uploadSchema.safeParse(answer)
  if (!data)
    throw new FailureError({ kind: 'transient', message: 'WhatsApp answered without the id of the file' })
  return { id: data.id, type: shownAs(wanted, source.mime), name: source.name }
}
