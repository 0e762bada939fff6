import { type CallContext, FailureError, type Json, type OpenMedia } from '@plugboard/core'
import { z } from 'zod'
import { type Call, type Session, tokenOf } from './api.js'
import type { Config, Options } from './config.js'
import { classify, classifyStatus } from './failure.js'

const refSchema = z.union([
  z.object({ url: z.url(), mime: z.string().optional() }),
  z.object({ file: z.string(), mime: z.string().optional() }),
])
const infoSchema = z.object({ url_private: z.url(), mimetype: z.string().optional() })

const MAX_REDIRECTS = 3
/** Slack's own hosts. https://docs.slack.dev/reference/objects/file-object#authentication */
const SLACK_HOST = /(^|\.)(slack\.com|slack-gov\.com)$/

type Context = CallContext<Config, Session>

/**
 * Opens a file with the bot's token, which goes to Slack and nowhere else: a reference to another host is refused, and
 * a redirect to one is followed without the token, through the host's `fetch`, which knows what may not be called.
 */
export function openMedia(call: Call, { slackApiUrl }: Options, hostFetch: typeof globalThis.fetch) {
  const mayHaveToken = ({ origin, protocol, hostname }: URL): boolean =>
    origin === new URL(slackApiUrl).origin || (protocol === 'https:' && SLACK_HOST.test(hostname))

  return async (ref: Json, context: Context): Promise<OpenMedia> => {
    const { url, mime } = await locate(call, ref, context)
    if (!mayHaveToken(url)) throw refusal('the file is not at Slack')
    const token = tokenOf(context.integration.config)
    const response = await follow(url, (target) =>
      mayHaveToken(target)
        ? request(fetch, target, context.signal, { authorization: `Bearer ${token}` })
        : request(hostFetch, target, context.signal),
    )
    return opened(response, mime)
  }
}

/** Where a file is. One of another workspace is known by its id only. */
async function locate(
  call: Call,
  ref: Json,
  context: Context,
): Promise<{ url: URL; mime?: string | undefined }> {
  const { data } = refSchema.safeParse(ref)
  if (!data) throw refusal('the reference to the file is none of Slack')
  if ('url' in data) return { url: new URL(data.url), mime: data.mime }
  const { file } = await call('files.info', { file: data.file }, context)
  const info = infoSchema.safeParse(file)
  if (!info.success) throw refusal('Slack does not say where the file is')
  return { url: new URL(info.data.url_private), mime: info.data.mimetype ?? data.mime }
}

async function request(
  send: typeof globalThis.fetch,
  url: URL,
  signal: AbortSignal,
  headers: Record<string, string> = {},
): Promise<Response> {
  try {
    return await send(url, { headers, redirect: 'manual', signal })
  } catch (error) {
    throw new FailureError(classify(error))
  }
}

/** @throws FailureError for an answer that is no file. */
async function follow(url: URL, get: (url: URL) => Promise<Response>): Promise<Response> {
  let target = url
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const response = await get(target)
    if (response.ok) return response
    await response.body?.cancel()
    const location = response.headers.get('location')
    if (response.status >= 400 || location === null || !URL.canParse(location, target.href))
      throw unavailable(response.status)
    target = new URL(location, target)
    if (target.searchParams.has('redir')) throw signIn()
    if (!/^https?:$/.test(target.protocol)) throw refusal('Slack led to an address of another kind')
  }
  throw refusal('Slack redirects too often')
}

/** Reading does nothing, so that it is never ambiguous; a file that is gone says nothing of the token. */
function unavailable(status: number): FailureError {
  const failure = classifyStatus(status)
  const { message } = failure
  if (failure.kind === 'ambiguous') return new FailureError({ kind: 'transient', message })
  return [403, 404].includes(status) ? refusal(`${message} for the file`) : new FailureError(failure)
}

async function opened(response: Response, expected: string | undefined): Promise<OpenMedia> {
  const type = response.headers.get('content-type') ?? undefined
  if (type?.startsWith('text/html') && !expected?.startsWith('text/html')) {
    await response.body?.cancel()
    throw signIn()
  }
  const size = Number(response.headers.get('content-length') ?? Number.NaN)
  const mime = expected ?? type
  return {
    body: response.body ?? new Blob([]).stream(),
    ...(mime !== undefined && { mime }),
    ...(Number.isSafeInteger(size) && { size }),
  }
}

const refusal = (message: string): FailureError => new FailureError({ kind: 'invalid', message })

const signIn = (): FailureError =>
  refusal('Slack gave a page to sign in, not the file: the bot needs the scope files:read')
