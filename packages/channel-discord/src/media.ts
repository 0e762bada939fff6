import {
  type CallContext,
  type Failure,
  FailureError,
  type Json,
  type OpenMedia,
  openProviderFile,
} from '@plugboard/core'
import { z } from 'zod'
import type { Call, Session } from './api.js'
import type { Config, Options } from './config.js'
import { snowflake } from './endpoint.js'

type Context = CallContext<Config, Session>

const webUrl = z.url({ protocol: /^https?$/ })
const refSchema = z.object({
  url: webUrl,
  channel: snowflake.optional(),
  message: snowflake.optional(),
  attachment: snowflake.optional(),
})
type Ref = z.infer<typeof refSchema>

const messageSchema = z.object({
  attachments: z.array(z.object({ id: snowflake, url: webUrl })).max(100),
  message_snapshots: z
    .array(
      z.object({
        message: z.object({ attachments: z.array(z.object({ id: snowflake, url: webUrl })).max(100) }),
      }),
    )
    .max(10)
    .nullish()
    .catch(undefined),
})

/** How long before its end an address is not used any more. */
const SOON_MS = 60_000

const isDiscordHost = (hostname: string): boolean => /^(?:cdn|media)\.discordapp\.(?:com|net)$/.test(hostname)

/**
 * Opens a file of a person. Its address is signed and valid for about a day; later, its message is asked for a new one.
 * https://docs.discord.com/developers/reference#signed-attachment-cdn-urls
 */
export function openMedia(call: Call, { apiUrl }: Options, fetch: typeof globalThis.fetch) {
  const isDiscord = ({ origin, protocol, hostname }: URL): boolean =>
    origin === new URL(apiUrl).origin || (protocol === 'https:' && isDiscordHost(hostname))

  return async (given: Json, context: Context): Promise<OpenMedia> => {
    const { data: ref } = refSchema.safeParse(given)
    if (!ref) throw new FailureError(invalid('the reference is not to a file at Discord'))
    const open = (url: string) =>
      openProviderFile({
        provider: 'Discord',
        url: new URL(url),
        // The address has its own signature.
        credentialsFor: (target) => (isDiscord(target) ? {} : undefined),
        maxRedirects: 0,
        fetch,
        signal: context.signal,
        failureOf,
      })
    if (isValid(ref.url) || !isDiscord(new URL(ref.url))) return open(ref.url)
    return open(await freshUrl(call, ref, context))
  }
}

/** Whether an address can be used: it has no end, or one that is not reached. */
function isValid(url: string): boolean {
  const end = new URL(url).searchParams.get('ex')
  return end === null || Number.parseInt(end, 16) * 1000 > Date.now() + SOON_MS
}

async function freshUrl(
  call: Call,
  { url, channel, message, attachment }: Ref,
  context: Context,
): Promise<string> {
  if (!channel || !message || !attachment) return url
  const answer = await call({ method: 'GET', path: `/channels/${channel}/messages/${message}` }, context)
  const { data } = messageSchema.safeParse(answer)
  const snapshots = (data?.message_snapshots ?? []).flatMap((snapshot) => snapshot.message.attachments)
  const found = [...(data?.attachments ?? []), ...snapshots].find(({ id }) => id === attachment)
  if (found) return found.url
  throw new FailureError(invalid('the file is gone, or the bot does not get the content of its message'))
}

function failureOf({ ok, status }: Response): Failure | undefined {
  if (ok) return undefined
  if (status === 404 || status === 403) return invalid('the file is gone')
  if (status >= 500 || status === 429)
    return { kind: 'transient', message: `Discord answered ${status} for the file` }
  return invalid(`Discord answered ${status} for the file`)
}

const invalid = (message: string): Failure => ({ kind: 'invalid', message })
