import { createHash } from 'node:crypto'
import { type DeliveryContext, FailureError, type JsonObject, type Part, type Sent } from '@plugboard/core'
import { z } from 'zod'
import type { Call, Session } from './api.js'
import type { Config } from './config.js'
import { messageKey, snowflake } from './endpoint.js'
import { escapeText } from './escaped-text.js'
import { codeOf, RefusedError } from './failure.js'
import { replySchema } from './interactions.js'
import { MAX_TEXT } from './limits.js'
import type { Upload, Uploads } from './upload.js'

type Context = DeliveryContext<Config, Session>

/** A message as `render` made it. */
export const messageSchema = z.object({
  content: z.string().optional(),
  embeds: z.array(z.record(z.string(), z.json())).optional(),
  components: z.array(z.record(z.string(), z.json())).optional(),
  file: z.string().optional(),
})
export type MessageForm = z.infer<typeof messageSchema>

/** How long the token of an interaction is used: Discord accepts it for 15 minutes. */
const REPLY_MS = 14.5 * 60 * 1000
/** https://docs.discord.com/developers/resources/message#message-object-message-flags */
const IS_LOADING = 1 << 7
/** The bot is not in the channel, or may not write there. */
const NO_ACCESS = new Set([10003, 10004, 50001, 50013])
/** The token of an interaction is too old, or the message that waits for the reply is gone. */
const NO_REPLY = new Set([10008, 10015, 10062, 50027])
/** Discord does not take the file: it is too large, or the server or the channel takes none. */
const NO_FILE = new Set([40005, 50035, 50045, 50046, 400001])

const NO_MENTIONS = { parse: [] }

/** The reply that the last command or button of the endpoint waits for, while Discord accepts it. */
export function replyOf({ context }: Context) {
  if (!context || Date.now() - context.at.getTime() > REPLY_MS) return undefined
  return replySchema.safeParse(context.value).data
}

/**
 * Sends one message: in the place of what waits for a reply, into the channel, or with the token of an interaction where
 * the bot is not in the channel. A message into a channel has a nonce, so that a repeated one is shown once.
 */
export const deliver =
  (call: Call, uploads: Uploads) =>
  async (part: Part, context: Context): Promise<Sent> => {
    const form = messageSchema.parse(part.args)
    const { file } = form
    if (file === undefined) return send(call, form, undefined, context)
    return uploads.with(context.integration.session, file, context.signal, async (upload) => {
      if (!upload) return send(call, asLink(form, file), undefined, context)
      try {
        return await send(call, form, upload, context)
      } catch (error) {
        if (!isAboutFile(error)) throw error
        return send(call, asLink(form, file), undefined, context)
      }
    })
  }

export const isAboutFile = (error: unknown): boolean =>
  error instanceof RefusedError && (error.refusal.status === 413 || NO_FILE.has(error.refusal.code ?? 0))

/** The caption of a file, and its address. A long caption is shortened, because the address is worth more. */
export function asLink({ content, ...form }: MessageForm, url: string): MessageForm {
  const { file: _, ...rest } = form
  const room = MAX_TEXT - url.length - 1
  if (room < 0) return { ...rest, content: escapeText(url).slice(0, MAX_TEXT) }
  const caption = content?.slice(0, room).replace(/\\+$/, '').toWellFormed()
  return { ...rest, content: [caption, url].filter(Boolean).join('\n') }
}

/** What Discord gets of a message. */
export const bodyOf = ({ content, embeds, components }: MessageForm, upload?: Upload): JsonObject => ({
  ...(content !== undefined && { content }),
  ...(embeds && { embeds }),
  ...(components && { components }),
  ...(upload && { attachments: [{ id: 0, filename: upload.name }] }),
  allowed_mentions: NO_MENTIONS,
})

async function send(
  call: Call,
  form: MessageForm,
  upload: Upload | undefined,
  context: Context,
): Promise<Sent> {
  const { applicationId } = context.integration.config
  const reply = replyOf(context)
  const content = { body: bodyOf(form, upload), ...(upload && { file: upload }) }
  const withToken = `/webhooks/${applicationId}/${encodeURIComponent(reply?.token ?? '')}`
  if (reply?.isDeferred && (await isWaiting(call, withToken, context))) {
    const path = `${withToken}/messages/@original`
    return sentOf(await call({ method: 'PATCH', path, ...content }, context))
  }
  const followUp = async () => sentOf(await call({ method: 'POST', path: withToken, ...content }, context))
  if (reply && !reply.isMember) return followUp()
  try {
    const channel = await channelOf(call, context)
    const path = `/channels/${channel}/messages`
    const body = { ...content.body, nonce: nonceOf(context.deliveryId), enforce_nonce: true }
    const sent = sentOf(await call({ method: 'POST', path, ...content, body }, context))
    return context.endpoint.thread === '*'
      ? { ...sent, movedTo: { ...context.endpoint, thread: channel } }
      : sent
  } catch (error) {
    if (!reply || !NO_ACCESS.has(codeOf(error) ?? 0)) throw error
    return followUp()
  }
}

const originalSchema = z.object({ flags: z.int().optional() })

/** Whether Discord still shows that the bot thinks. */
async function isWaiting(call: Call, withToken: string, context: Context): Promise<boolean> {
  try {
    const original = await call({ method: 'GET', path: `${withToken}/messages/@original` }, context)
    const { flags = 0 } = originalSchema.safeParse(original).data ?? {}
    return (flags & IS_LOADING) !== 0
  } catch (error) {
    if (NO_REPLY.has(codeOf(error) ?? 0)) return false
    // Nothing was sent, so an answer that was lost is no reason for doubt.
    const { failure } = error instanceof FailureError ? error : {}
    if (failure?.kind === 'ambiguous') throw new FailureError({ ...failure, kind: 'transient' })
    throw error
  }
}

/** At most 25 characters, which Discord compares with those of the last minutes. */
const nonceOf = (deliveryId: string): string =>
  createHash('sha256').update(deliveryId).digest('base64url').slice(0, 25)

const channelSchema = z.object({ id: snowflake })

/** The channel of the endpoint; that of direct messages to a person who has not written yet. */
async function channelOf(call: Call, context: Context): Promise<string> {
  const { sender, thread } = context.endpoint
  if (thread !== '*') return idIn(thread)
  const body = { recipient_id: idIn(sender) }
  const opened = await call({ method: 'POST', path: '/users/@me/channels', body }, context)
  const { data } = channelSchema.safeParse(opened)
  if (data) return data.id
  throw new FailureError({ kind: 'transient', message: 'Discord answered without the channel of the person' })
}

/** @throws FailureError for an address that is none of Discord; it would be another path of the API. */
function idIn(text: string): string {
  if (snowflake.safeParse(text).success) return text
  throw new FailureError({ kind: 'recipient', message: 'the address is not an id of Discord' })
}

const sentSchema = z.object({ id: snowflake, channel_id: snowflake })

function sentOf(answer: unknown): Sent {
  const { data } = sentSchema.safeParse(answer)
  if (data) return { providerMessageIds: [messageKey(data.channel_id, data.id)] }
  throw new FailureError({ kind: 'ambiguous', message: 'Discord answered without the id of the message' })
}

/** Shown for ten seconds, or until a message is sent. */
export const indicateTyping =
  (call: Call) =>
  async (context: Context): Promise<void> => {
    // Discord would refuse it, and count that.
    if (replyOf(context)?.isMember === false) return
    await call({ method: 'POST', path: `/channels/${await channelOf(call, context)}/typing` }, context)
  }
