import { z } from 'zod'

const text = (maxLength: number) =>
  z.string().regex(/\S/, 'must not be empty').max(maxLength, `must be at most ${maxLength} characters long`)

/**
 * What a client configures; the fields are the wire names of sync. Unknown ones are refused, so that a typo shows.
 * `accountSID` may be anything: a configuration with a made-up one is stored, and `check` says what is wrong with it.
 */
export const configSchema = z.strictObject({
  accountSID: text(100),
  /** The primary token: it signs what Twilio sends, and is the password of what is sent to Twilio. */
  authToken: text(200),
  /** Sender of messages to endpoints without a number of ours (identity `*`), such as `+15557122661`. */
  from: text(100).optional(),
  /** Sends through this service, which picks the number where the endpoint has none and `from` is not given. */
  messagingServiceSid: z
    .string()
    .regex(/^MG[0-9a-f]{32}$/i, 'must be MG and 32 hexadecimal digits')
    .optional(),
  /** Accepted for configurations written for others, and without effect: the server owns pace and retries. */
  messageDelay: z.string().max(50).optional(),
  retryMaxAttempts: z.number().optional(),
  retryDelay: z.string().max(50).optional(),
})

export type Config = z.infer<typeof configSchema>

const API_BASE_URL = 'https://api.twilio.com'

/** What an operator sets. */
export const optionsSchema = z.strictObject({
  /** Where Twilio's API is: a proxy, or another region such as `https://api.dublin.ie1.twilio.com`. */
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
