import type { OpenMedia } from './channel.js'
import { type Failure, FailureError } from './failure.js'
import { networkFailure } from './network-failure.js'

/** Redirects that are followed where a channel does not say how many. */
const MAX_REDIRECTS = 3

type Fetch = typeof globalThis.fetch

/** A file at a provider, and how to get it. */
export interface ProviderFile {
  /** Name of the provider, for messages: `Slack`. */
  provider: string
  url: URL
  /**
   * The headers with credentials for this address, or undefined where credentials must not go. Asked for `url` and for
   * each redirect. Return headers only for addresses of the provider, or of a proxy that the operator configured: such
   * requests bypass the host's `fetch`, and may reach private addresses. Absent: the file needs no credentials.
   */
  credentialsFor?(url: URL): Record<string, string> | undefined
  /** The `fetch` that `load` was given: it calls every address without credentials. */
  fetch: Fetch
  signal: AbortSignal
  /** How many redirects to follow. Default: 3. */
  maxRedirects?: number
  /**
   * What an answer that is not the file means; undefined for the file. Called with the last answer only, which may be a
   * redirect too many, or a page with status 200.
   */
  failureOf(response: Response): Failure | undefined
}

/**
 * Opens a file at a provider and follows redirects to where it is stored. Credentials go nowhere but to addresses for
 * which `credentialsFor` returns headers; other addresses are called without them, through the host's `fetch`. No
 * request is repeated.
 *
 * ```ts
 * openMedia: (ref, { integration, signal }) =>
 *   openProviderFile({
 *     provider: 'Acme Chat',
 *     url: new URL(`https://files.acme-chat.example/${encodeURIComponent(idSchema.parse(ref))}`),
 *     credentialsFor: ({ origin }) =>
 *       origin === 'https://files.acme-chat.example' ? { authorization: integration.session.authorization } : undefined,
 *     fetch,
 *     signal,
 *     failureOf: ({ status }) => (status === 404 ? { kind: 'invalid', message: 'the file is gone' } : undefined),
 *   })
 * ```
 *
 * @throws FailureError when the first address gets no credentials, when a redirect leads to something other than an
 * http or https address, when there is no answer, or when the answer is not the file.
 */
export async function openProviderFile(file: ProviderFile): Promise<OpenMedia> {
  const { provider, url, credentialsFor, failureOf, maxRedirects = MAX_REDIRECTS } = file
  if (credentialsFor && !credentialsFor(url)) throw invalid(`the file is not at ${provider}`)
  let target = url
  let response = await request(target, file)
  for (let redirects = 0; isRedirect(response) && redirects < maxRedirects; redirects += 1) {
    await discard(response)
    target = targetOf(response, target, provider)
    response = await request(target, file)
  }
  const failure = failureOf(response) ?? (response.ok ? undefined : unexplained(response, provider))
  if (!failure) return opened(response)
  await discard(response)
  throw new FailureError(failure)
}

async function request(
  url: URL,
  { provider, credentialsFor, fetch, signal }: ProviderFile,
): Promise<Response> {
  const headers = credentialsFor?.(url)
  const init: RequestInit = { redirect: 'manual', signal }
  try {
    return await (headers ? globalThis.fetch(url, { ...init, headers }) : fetch(url, init))
  } catch (error) {
    throw new FailureError(networkFailure(error, provider))
  }
}

const isRedirect = ({ status, headers }: Response): boolean =>
  status >= 300 && status < 400 && headers.has('location')

function targetOf({ headers }: Response, from: URL, provider: string): URL {
  const location = headers.get('location') ?? ''
  const target = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  if (target && /^https?:$/.test(target.protocol)) return target
  throw invalid(`${provider} redirects to something that is not a web address`)
}

function opened({ headers, body }: Response): OpenMedia {
  const mime = headers.get('content-type')
  const length = headers.get('content-length')
  // `fetch` decodes the body, so the length of an encoded one is not the size of the file.
  const isSize = length !== null && /^\d{1,15}$/.test(length) && !headers.has('content-encoding')
  return {
    body: body ?? new Blob([]).stream(),
    ...(mime && { mime }),
    ...(isSize && { size: Number(length) }),
  }
}

/** Frees the connection. The answer is of no use, so an error while doing that is not either. */
const discard = async ({ body }: Response): Promise<void> => body?.cancel().catch(() => undefined)

const invalid = (message: string): FailureError => new FailureError({ kind: 'invalid', message })

const unexplained = ({ status }: Response, provider: string): Failure => ({
  kind: 'invalid',
  message: `${provider} answered ${status} for the file`,
})
