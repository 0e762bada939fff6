import { type DeliveryContext, FailureError, type Part, type SentPart } from '@plugboard/core'
import type { Call, Request, Session } from './api.js'
import type { Config } from './config.js'
import { asLink, bodyOf, isAboutFile, type MessageForm, messageSchema, replyOf } from './deliver.js'
import { placeOf } from './endpoint.js'
import { codeOf } from './failure.js'
import type { Upload, Uploads } from './upload.js'

type Context = DeliveryContext<Config, Session>

/** https://docs.discord.com/developers/topics/opcodes-and-status-codes#json */
const UNKNOWN_MESSAGE = 10008
/** The bot is not in the channel: a message that was sent with the token of an interaction changes with it too. */
const NO_ACCESS = new Set([10003, 50001, 50005, 50013])

/** Changes a message. What it no longer has is removed. */
export const edit =
  (call: Call, uploads: Uploads) =>
  async (sent: SentPart, part: Part, context: Context): Promise<{ providerMessageIds: [] }> => {
    const form = messageSchema.parse(part.args)
    const change = (shown: MessageForm, upload?: Upload) => {
      const empty = { content: '', embeds: [], components: [], attachments: [] }
      const body = { ...empty, ...bodyOf(shown, upload) }
      return at(call, sent, { method: 'PATCH', body, ...(upload && { file: upload }) }, context)
    }
    const { file } = form
    if (file === undefined) await change(form)
    else
      await uploads.with(context.integration.session, file, context.signal, async (upload) => {
        if (!upload) return change(asLink(form, file))
        return change(form, upload).catch((error: unknown) => {
          if (!isAboutFile(error)) throw error
          return change(asLink(form, file))
        })
      })
    return { providerMessageIds: [] }
  }

/** Deletes a message. One that is not there any more is deleted. */
export const remove =
  (call: Call) =>
  async (sent: SentPart, context: Context): Promise<void> => {
    try {
      await at(call, sent, { method: 'DELETE' }, context)
    } catch (error) {
      if (codeOf(error) !== UNKNOWN_MESSAGE) throw error
    }
  }

/** @throws FailureError if the id is not one of a message of Discord */
async function at(
  call: Call,
  { providerMessageIds: [id = ''] }: SentPart,
  request: Omit<Request, 'path'>,
  context: Context,
): Promise<unknown> {
  const place = placeOf(id)
  if (!place) throw new FailureError({ kind: 'invalid', message: 'the id of the message is none of Discord' })
  const { channel, message } = place
  try {
    return await call({ ...request, path: `/channels/${channel}/messages/${message}` }, context)
  } catch (error) {
    const reply = replyOf(context)
    if (!reply || !NO_ACCESS.has(codeOf(error) ?? 0)) throw error
    const { applicationId } = context.integration.config
    const path = `/webhooks/${applicationId}/${encodeURIComponent(reply.token)}/messages/${message}`
    return call({ ...request, path }, context)
  }
}
