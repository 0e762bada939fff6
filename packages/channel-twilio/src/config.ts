import { isPlainUrl } from '@plugboard/core'
import { z } from 'zod'

const text = (maxLength: number) =>
  z.string().regex(/\S/, 'must not be empty').max(maxLength, `must be at most ${maxLength} characters long`)

const IGNORED = {
  description: 'Accepted for compatibility and ignored: the server controls rate and retries.',
  deprecated: true,
}

/**
 * A client's configuration, with the field names of sync. Unknown fields are rejected, so that a typo is noticed. Any
 * `accountSID` is accepted; `check` reports an invalid one.
 */
export const configSchema = z.strictObject({
  accountSID: text(100).describe('"Account SID" on the home page of the Console: AC…'),
  authToken: text(200).describe(
    'The primary token: it signs requests of Twilio, and is the password of requests to Twilio.',
  ),
  from: text(100)
    .optional()
    .describe(
      'Number that sends to endpoints without a business number (identity `*`), such as `+15557122661`.',
    ),
  messagingServiceSid: z
    .string()
    .regex(/^MG[0-9a-f]{32}$/i, 'must be MG and 32 hexadecimal digits')
    .optional()
    .describe(
      'Sends through this service, which chooses the number if neither the endpoint nor `from` has one.',
    ),
  messageDelay: z.string().max(50).optional().meta(IGNORED),
  retryMaxAttempts: z.number().optional().meta(IGNORED),
  retryDelay: z.string().max(50).optional().meta(IGNORED),
})

export type Config = z.infer<typeof configSchema>

const API_BASE_URL = 'https://api.twilio.com'

/** The operator's options. */
export const optionsSchema = z.strictObject({
  /** Address of Twilio's API: a proxy, or another region such as `https://api.dublin.ie1.twilio.com`. */
  apiBaseUrl: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .refine(isPlainUrl, 'must not have a user name, a password, a query or a fragment')
    .default(API_BASE_URL)
    .transform((url) => url.replace(/\/+$/, '')),
})

export type Options = z.infer<typeof optionsSchema>
