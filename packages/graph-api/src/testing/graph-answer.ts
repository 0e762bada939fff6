import { createHmac } from 'node:crypto'
import type { Answer, Fault, ProviderCall } from '@plugboard/core/testing'
import { GRAPH_VERSION } from '../version.js'
import { type FormPart, readForm } from './read-form.js'

/** A call that has what each call of the API needs. */
export interface GraphRequest {
  method: string
  /** Behind the version: `/106540352242922/messages`. */
  path: string
  query: URLSearchParams
  token: string
  /** The JSON of the body, if it is one. */
  json?: unknown
  /** The form of the body, if it is one. */
  form?: readonly FormPart[]
}

/** What differs from product to product. */
export interface GraphFakeOptions {
  /** The secret of the app of each valid token; empty for an app that demands no proof. Default: any token is valid. */
  tokens?: Readonly<Record<string, string>>
  /** Default: {@link GRAPH_VERSION}. */
  version?: string
  /** The answer of the product; undefined for an object that does not exist. */
  answer(request: GraphRequest): Answer | undefined
}

/**
 * The answer of a strict Graph API to one call: it refuses another version, a token that is not in the header or not
 * valid, a wrong or missing proof of the app, and a body that is neither well-formed JSON nor a form.
 */
export function graphAnswer(call: ProviderCall, options: GraphFakeOptions): Answer {
  const { pathname, searchParams: query } = new URL(call.path, 'http://graph.invalid')
  const { version = GRAPH_VERSION } = options
  if (!pathname.startsWith(`/${version}/`))
    return graphRefusal(400, 2635, 'The version is no longer available')
  const [, token] = /^Bearer ([\x21-\x7e]+)$/.exec(call.headers.authorization ?? '') ?? []
  if (token === undefined || query.has('access_token')) return graphFaultAnswers.unauthorized
  const denied = denial(token, query.get('appsecret_proof'), options)
  if (denied) return denied
  const request: GraphRequest = {
    method: call.method,
    path: pathname.slice(version.length + 1),
    query,
    token,
  }
  const content = call.method === 'POST' ? contentOf(call) : {}
  if (!content) return graphRefusal(400, 100, 'The body is neither JSON nor a form')
  return (
    options.answer({ ...request, ...content }) ??
    graphRefusal(400, 100, `Unsupported ${call.method.toLowerCase()} request`, { error_subcode: 33 })
  )
}

function denial(token: string, proof: string | null, { tokens }: GraphFakeOptions): Answer | undefined {
  if (!tokens) return undefined
  const appSecret = Object.hasOwn(tokens, token) ? tokens[token] : undefined
  if (appSecret === undefined) return graphFaultAnswers.unauthorized
  if (appSecret === '' && proof === null) return undefined
  const own = createHmac('sha256', appSecret).update(token).digest('hex')
  return proof === own
    ? undefined
    : graphRefusal(400, 100, 'Invalid appsecret_proof provided in the API argument')
}

function contentOf({ headers, body }: ProviderCall): Pick<GraphRequest, 'json' | 'form'> | undefined {
  const type = headers['content-type']
  if (body === '' && type === undefined) return {}
  if (type?.startsWith('multipart/')) {
    const form = readForm(type, body)
    return form && { form }
  }
  if (!/^application\/json(; ?charset=utf-8)?$/i.test(type ?? '')) return undefined
  try {
    const json: unknown = JSON.parse(body)
    return typeof json === 'object' && json !== null && isWellFormed(json) ? { json } : undefined
  } catch {
    return undefined
  }
}

/** Halves of surrogate pairs cannot be written in UTF-8. */
const isWellFormed = (json: unknown): boolean =>
  !/\\ud[89a-f]/i.test(JSON.stringify(json).replace(/\\\\/g, ''))

/** An answer with JSON. */
export const jsonAnswer = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json; charset=UTF-8', ...headers },
  body: JSON.stringify(body),
})

/** An error in Meta's form. `more` are further fields of the error, such as `error_subcode` or `error_data`. */
export const graphRefusal = (
  status: number,
  code: number,
  message: string,
  more: Record<string, unknown> = {},
): Answer =>
  jsonAnswer(status, {
    error: {
      ...{ message: `(#${code}) ${message}`, type: 'OAuthException', code },
      ...{ fbtrace_id: 'AbCdEfGhIjKlMnOpQrStUvW', ...more },
    },
  })

/** Meta's own forms of some faults. */
export const graphFaultAnswers = {
  unauthorized: graphRefusal(401, 190, 'Invalid OAuth access token - Cannot parse access token'),
  'server-error': graphRefusal(500, 1, 'An unknown error occurred', { is_transient: true }),
  'rate-limited': graphRefusal(400, 613, 'Calls to this API have exceeded the rate limit'),
  'rate-limited-for-2-s': {
    ...graphRefusal(429, 4, 'Application request limit reached'),
    headers: { 'content-type': 'application/json; charset=UTF-8', 'retry-after': '2' },
  },
} satisfies Partial<Record<Fault, Answer>>
