import { z } from 'zod'

const text = (maxLength: number) =>
  z.string().regex(/\S/, 'must not be empty').max(maxLength, `must be at most ${maxLength} characters long`)

/**
 * A client's configuration, with the field names of sync. Unknown fields are rejected, so that a typo is noticed. Any
 * `accountSID` is accepted; `check` reports an invalid one.
 */
export const configSchema = z.strictObject({
  accountSID: text(100),
  /** The primary token: it signs requests of Twilio, and is the password of requests to Twilio. */
  authToken: text(200),
  /** Number that sends to endpoints without a business number (identity `*`), such as `+15557122661`. */
  from: text(100).optional(),
  /** Sends through this service, which chooses the number if neither the endpoint nor `from` has one. */
  messagingServiceSid: z
    .string()
    .regex(/^MG[0-9a-f]{32}$/i, 'must be MG and 32 hexadecimal digits')
    .optional(),
  /** Accepted for compatibility and ignored: the server controls rate and retries. */
  messageDelay: z.string().max(50).optional(),
  retryMaxAttempts: z.number().optional(),
  retryDelay: z.string().max(50).optional(),
})

export type Config = z.infer<typeof configSchema>

const API_BASE_URL = 'https://api.twilio.com'

/** The operator's options. */
export const optionsSchema = z.strictObject({
  /** Address of Twilio's API: a proxy, or another region such as `https://api.dublin.ie1.twilio.com`. */
  apiBaseUrl: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .refine(isPlain, 'must not have a user name, a password, a query or a fragment')
    .default(API_BASE_URL)
    .transform((url) => url.replace(/\/+$/, '')),
})

export type Options = z.infer<typeof optionsSchema>

function isPlain(text: string): boolean {
  if (!URL.canParse(text)) return true
  const { username, password, search, hash } = new URL(text)
  return username + password + search + hash === ''
}
