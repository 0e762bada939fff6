import { retryAfterMs } from '@plugboard/core'
import { z } from 'zod'

/** An error answer of the API. */
export interface GraphErrorDetails {
  /** HTTP status. */
  status: number
  /** Meta's code; undefined for an answer that is not in Meta's form, such as the page of a proxy. */
  code?: number
  subcode?: number
  /** Meta says that the same call may succeed later. */
  isTransient?: boolean
  /** Meta's words, without quotations of the call. */
  words?: string
  /** The call had a proof that does not fit to its token: the secret is that of another app. */
  isProofRefused?: boolean
  /** How long Meta asks to wait, in milliseconds. */
  retryAfterMs?: number
  /** Meta's id of the call, for its support. */
  traceId?: string
}

/** The API refused a call. It has no `cause`, and its message no words of Meta, which may quote the call. */
export class GraphError extends Error {
  override readonly name = 'GraphError'
  readonly details: GraphErrorDetails

  constructor(details: GraphErrorDetails) {
    const { status, code, subcode } = details
    super(
      `Meta answered ${status}${code === undefined ? '' : `, error ${[code, subcode].filter(isSet).join('/')}`}`,
    )
    this.details = details
  }
}

const isSet = (value: number | undefined): boolean => value !== undefined

/** https://developers.facebook.com/docs/graph-api/guides/error-handling */
const envelopeSchema = z.object({
  error: z.object({
    code: z.int(),
    error_subcode: z.int().optional().catch(undefined),
    message: z.string().optional().catch(undefined),
    is_transient: z.boolean().optional().catch(undefined),
    fbtrace_id: z
      .string()
      .regex(/^[\w-]{1,64}$/)
      .optional()
      .catch(undefined),
    error_data: z
      .object({ details: z.string().optional().catch(undefined) })
      .optional()
      .catch(undefined),
  }),
})

/** Reads an error answer; `body` is its JSON, or undefined for what is no JSON. */
export function graphErrorOf(
  response: Pick<Response, 'status' | 'headers'>,
  body: unknown,
  now = new Date(),
) {
  const { status, headers } = response
  const wait = retryAfterMs(headers.get('retry-after'), now) ?? regainMs(headers)
  const details: GraphErrorDetails = { status, ...(wait !== undefined && { retryAfterMs: wait }) }
  const { error } = envelopeSchema.safeParse(body).data ?? {}
  if (!error) return new GraphError(details)
  const { code, error_subcode: subcode, is_transient: isTransient, fbtrace_id: traceId, message } = error
  const words = quotable(error.error_data?.details ?? message)
  return new GraphError({
    ...{ ...details, code },
    ...(subcode !== undefined && { subcode }),
    ...(isTransient && { isTransient }),
    ...(words && { words }),
    ...(message && /appsecret_proof/.test(message) && { isProofRefused: true }),
    ...(traceId !== undefined && { traceId }),
  })
}

/** Whether an answer is an error, which Meta also sends with the status 200. */
export const isErrorBody = (body: unknown): boolean => envelopeSchema.safeParse(body).success

/**
 * What of Meta's words may be shown: up to the first quotation, which may be of the call, and without what could be a token,
 * as in `Malformed access token EAAG…`. Undefined if nothing is left.
 */
export function quotable(words: string | undefined): string | undefined {
  const [unquoted = ''] = (words ?? '').replace(/^\(#\d+\)\s*/, '').split(/["“«`]|(?<!\w)'/)
  const plain = unquoted.replace(/\S{25,}/g, '…').replace(/\s+/g, ' ')
  return plain.slice(0, 200).trim().toWellFormed() || undefined
}

const usageSchema = z.record(
  z.string(),
  z.array(z.object({ estimated_time_to_regain_access: z.number().min(0).catch(0) })),
)
/** Longest header of usage that is read, in characters; Meta's have a few hundred. */
const MAX_USAGE = 10_000
const MAX_WAIT_MINUTES = 24 * 60

/**
 * How long an account has used up what it may, in milliseconds; Meta says it in minutes.
 * https://developers.facebook.com/docs/graph-api/overview/rate-limiting#headers-2
 */
function regainMs(headers: Headers): number | undefined {
  const header = headers.get('x-business-use-case-usage')
  if (!header || header.length > MAX_USAGE) return undefined
  const usage = usageSchema.safeParse(parsed(header)).data ?? {}
  const minutes = Object.values(usage).flatMap((each) =>
    each.map((use) => use.estimated_time_to_regain_access),
  )
  const longest = Math.min(Math.max(0, ...minutes), MAX_WAIT_MINUTES)
  return longest === 0 ? undefined : longest * 60_000
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
