import {
  type CallContext,
  type Failure,
  FailureError,
  type Json,
  type OpenMedia,
  openProviderFile,
} from '@plugboard/core'
import { z } from 'zod'
import { type Call, type Session, tokenOf } from './api.js'
import type { Config, Options } from './config.js'
import { classifyStatus } from './failure.js'
import { isSlackHost } from './slack-host.js'

const refSchema = z.union([
  z.object({ url: z.url(), mime: z.string().optional() }),
  z.object({ file: z.string(), mime: z.string().optional() }),
])
const infoSchema = z.object({ url_private: z.url(), mimetype: z.string().optional() })

type Context = CallContext<Config, Session>

/** Opens a file with the bot's token, which Slack also wants after a redirect from one of its hosts to another. */
export function openMedia(call: Call, { slackApiUrl }: Options, fetch: typeof globalThis.fetch) {
  const isSlack = ({ origin, protocol, hostname }: URL): boolean =>
    origin === new URL(slackApiUrl).origin || (protocol === 'https:' && isSlackHost(hostname))

  return async (ref: Json, context: Context): Promise<OpenMedia> => {
    const { url, mime } = await locate(call, ref, context)
    const headers = { authorization: `Bearer ${tokenOf(context.integration.config)}` }
    const opened = await openProviderFile({
      provider: 'Slack',
      url,
      credentialsFor: (target) => (isSlack(target) ? headers : undefined),
      fetch,
      signal: context.signal,
      failureOf: (response) => failureOf(response, mime),
    })
    return { ...opened, ...(mime !== undefined && { mime }) }
  }
}

/** Where a file is. One of another workspace is known by its id only. */
async function locate(
  call: Call,
  ref: Json,
  context: Context,
): Promise<{ url: URL; mime?: string | undefined }> {
  const { data } = refSchema.safeParse(ref)
  if (!data) throw new FailureError(invalid('the reference is not to a file at Slack'))
  if ('url' in data) return { url: new URL(data.url), mime: data.mime }
  const { file } = await call('files.info', { file: data.file }, context)
  const info = infoSchema.safeParse(file)
  if (!info.success) throw new FailureError(invalid('Slack does not return the address of the file'))
  return { url: new URL(info.data.url_private), mime: info.data.mimetype ?? data.mime }
}

/**
 * Without access Slack answers 200 with a page to sign in, or redirects to one. Reading changes nothing, so a failure
 * is never ambiguous; a file that is gone does not mean that the token is wrong.
 */
function failureOf(
  { ok, status, url, headers }: Response,
  expected: string | undefined,
): Failure | undefined {
  const isPage = headers.get('content-type')?.startsWith('text/html') && !expected?.startsWith('text/html')
  if (new URL(url).searchParams.has('redir') || (ok && isPage))
    return invalid('Slack gave a page to sign in, not the file: the bot needs the scope files:read')
  if (ok) return undefined
  const failure = classifyStatus(status)
  const { message } = failure
  if (status < 400 && headers.has('location')) return invalid('Slack redirects too often')
  if (status === 403 || status === 404) return invalid(`${message} for the file`)
  return failure.kind === 'ambiguous' ? { kind: 'transient', message } : failure
}

const invalid = (message: string): Failure => ({ kind: 'invalid', message })
