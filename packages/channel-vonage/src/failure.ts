import { type Failure, FailureError, retryAfterMs } from '@plugboard/core'
import { z } from 'zod'

/** An error answer of Vonage. Calls throw only {@link FailureError}s. */
export class RefusedError extends FailureError {
  readonly status: number
  /** Whether Vonage refused what is in the message, such as the address of a file. */
  readonly isContentRefused: boolean

  constructor(refusal: Refusal) {
    super(failureOfAnswer(refusal))
    const { status, code, parameters = [] } = refusal
    this.status = status
    const isNamed = parameters.some((name) => FILE_PARAMETER.test(name))
    this.isContentRefused = status === 422 && (isNamed || CONTENT_REFUSED.has(code ?? ''))
  }
}

/** Says what an error means; README.md has the table. */
export function classify(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure
  return { kind: 'ambiguous', message: 'unexpected error while calling Vonage' }
}

/** An error answer of Vonage: RFC 7807, with the code after the # of its type. */
export interface Refusal {
  status: number
  /** `1420` or `low-balance`: https://developer.vonage.com/en/api-errors/messages */
  code?: string | undefined
  /** Names of the parameters that are wrong. */
  parameters?: readonly string[] | undefined
  retryAfter?: string | undefined
  /** The field of the configuration that the call was authorized with. */
  field?: 'apiSecret' | 'privateKey'
}

const problemSchema = z.object({
  type: z.string().optional().catch(undefined),
  title: z.union([z.string(), z.number()]).optional().catch(undefined),
  invalid_parameters: z
    .array(z.object({ name: z.string() }))
    .optional()
    .catch(undefined),
})

/** The code of an error, of an answer or of a status: after the # of its type, or as its title. */
export function refusalIn(problem: unknown): Pick<Refusal, 'code' | 'parameters'> {
  const { type = '', title = '', invalid_parameters = [] } = problemSchema.safeParse(problem).data ?? {}
  const code = /#([\w-]{1,40})$/.exec(type)?.[1] ?? /^\d{3,6}$/.exec(String(title))?.[0]
  const parameters = invalid_parameters
    .map(({ name }) => name)
    .filter((name) => /^[\w.[\]-]{1,60}$/.test(name))
  return { ...(code !== undefined && { code }), ...(parameters.length > 0 && { parameters }) }
}

/** Says what an error answer means. */
export function failureOfAnswer(refusal: Refusal, now = new Date()): Failure {
  return { ...meaningOf(refusal, now), ...coded(refusal.code) }
}

const coded = (code: string | undefined): { code?: string } => (code === undefined ? {} : { code })

function meaningOf(
  { status, code = '', parameters = [], retryAfter, field = 'apiSecret' }: Refusal,
  now: Date,
): Failure {
  const wrong = parameters.length > 0 ? `; wrong: ${parameters.slice(0, 5).join(', ')}` : ''
  const message = `Vonage answered ${status}${code && `: ${named(code)}`}${wrong}`
  if (status === 429) {
    const wait = retryAfterMs(retryAfter, now)
    const forWait = wait === undefined ? {} : { retryAfterMs: wait }
    return { kind: 'rate-limited', scope: 'integration', message, ...forWait }
  }
  if (status >= 500) return { kind: 'ambiguous', message }
  if (status === 401) return { kind: 'auth', message, ...(code !== 'unprovisioned' && { field }) }
  // No credit, or an account that may not send: nothing gets through until somebody acts.
  if (status === 402 || status === 403) return { kind: 'auth', message }
  if (status < 300) return { kind: 'ambiguous', message: `${message}, but not as documented` }
  if (status < 400) return { kind: 'transient', message: `${message}; redirects are not followed` }
  if (status === 408 || status === 425) return { kind: 'transient', message }
  const kind = kindOf(code)
  // The answers of the API have other codes than statuses for some errors, and both name the parameter.
  if (parameters.includes('to')) return { kind: 'recipient', message }
  return kind === 'window' || kind === 'recipient' || kind === 'auth'
    ? { kind, message }
    : { kind: 'invalid', message }
}

/** Says what a later error of an accepted message means. `undeliverable` has none: Vonage could not reach the channel. */
export function failureOfDelivery(status: string, code: string | undefined): Failure {
  if (code === undefined) {
    if (status === 'undeliverable')
      return { kind: 'transient', message: 'Vonage could not reach the channel to deliver it' }
    return { kind: 'ambiguous', message: 'Vonage could not deliver it and gives no reason' }
  }
  const failure = { message: `Vonage could not deliver it: ${named(code)}`, ...coded(code) }
  const kind = kindOf(code)
  if (kind !== 'rate-limited') return { kind, ...failure }
  return { kind, scope: TO_ONE_PERSON.has(code) ? 'endpoint' : 'integration', ...failure }
}

function kindOf(code: string): Failure['kind'] {
  if (code === WINDOW_CLOSED) return 'window'
  if (RECIPIENT.has(code)) return 'recipient'
  if (ACCOUNT.has(code)) return 'auth'
  if (LIMITED.has(code) || TO_ONE_PERSON.has(code)) return 'rate-limited'
  return UNEXPLAINED.has(code) ? 'ambiguous' : 'invalid'
}

function named(code: string): string {
  const link = `https://developer.vonage.com/en/api-errors${/^\d/.test(code) ? `/messages#${code}` : `#${code}`}`
  const reason = REASONS.get(code)
  return reason === undefined ? link : `${reason} (${link})`
}

/** What operators and clients read first, of the errors that they meet most. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['low-balance', 'the account has no credit'],
  ['unauthorized', 'the credentials are wrong'],
  ['unprovisioned', 'the credentials may not use the Messages API'],
  ['account-suspended', 'the account is suspended'],
  ['1000', 'more messages than the account may send'],
  ['1022', 'the template or its parameters are wrong'],
  ['1050', 'the number is barred'],
  ['1070', 'the account has no credit'],
  ['1120', 'the sender is not allowed in this country'],
  ['1170', 'the number is invalid'],
  ['1180', 'the telephone is off or out of reach'],
  ['1190', 'the number is no longer in use'],
  ['1210', 'the carrier filtered the message'],
  ['1240', 'the person has opted out with STOP'],
  ['1241', 'too many messages to this person'],
  ['1300', 'the person is not on this channel'],
  ['1310', 'the device cannot get this'],
  ['1340', 'the reply window of the channel is closed'],
  ['1360', 'it expired before it could be delivered'],
  ['1370', 'the connection of the Facebook page has expired'],
  ['1380', 'the file could not be downloaded'],
  ['1381', 'the file is too large'],
  ['1382', 'the type of the file is not supported'],
  ['1420', 'the sender is not one of the account on this channel'],
  ['1430', 'the recipient is invalid on this channel'],
  ['1460', 'more messages than the account may send in a day'],
  ['1461', 'WhatsApp limits marketing messages to this person'],
])

/** Outside of the time after the last message of the person. */
const WINDOW_CLOSED = '1340'

/** More messages than the account may send, or than its protection allows. */
const LIMITED = new Set(['1000', '1460', '1472'])
const TO_ONE_PERSON = new Set(['1241'])

/**
 * Vonage, the carrier or the channel refused what is in the message, and may take it in another form. The person got
 * nothing.
 */
export const CONTENT_REFUSED: ReadonlySet<string> = new Set(['1310', '1380', '1381', '1382'])
const FILE_PARAMETER = /^(image|audio|video|file|custom)\b/

/** The account, its credit, or its connection of a Facebook page. */
const ACCOUNT = new Set(['1060', '1070', '1080', '1140', '1350', '1370'])

const RECIPIENT = new Set([
  // Barred, not on the list of a trial account, invalid.
  ...['1050', '1160', '1170', '1430'],
  // Unreachable, moved, opted out, unknown, without credit.
  ...['1180', '1190', '1200', '1220', '1240', '1250', '1260', '1270', '1280', '1290', '1300'],
  // Limited by WhatsApp or by Vonage's protection against fraud; no consent.
  ...['1461', '1470', '1473', '1483'],
])

/** An error of Vonage, of the network or of the channel: possibly delivered. */
const UNEXPLAINED = new Set(['1030', '1100', '1230', '1320', '1330', '1331', '1360'])
