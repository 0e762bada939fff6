import { z } from 'zod'

const filled = z
  .string({ error: ({ input }) => (input === undefined ? 'is required' : 'must be text') })
  .min(1, 'must not be empty')

/** A client's configuration, with the field names of sync. Unknown fields are rejected, so that a typo is noticed. */
export const configSchema = z.strictObject({
  applicationId: filled
    .regex(/^\d{15,20}$/, 'must be the Application ID, a number of 15 to 20 digits')
    .describe('"Application ID" on the page General Information of the app.'),
  publicKey: filled
    .regex(/^[0-9a-fA-F]{64}$/, 'must be the Public Key, 64 hexadecimal digits')
    .transform((key) => key.toLowerCase())
    .optional()
    .describe('"Public Key" on the same page: verifies requests of Discord. Needed in the mode `webhook`.'),
  botToken: filled
    .regex(/^(?!Bot\s)/i, 'must not begin with the word Bot')
    .describe('"Token" on the page Bot of the app, without the word `Bot` before it.'),
  messageContent: z
    .boolean('must be true or false')
    .optional()
    .describe(
      'Whether to ask for the content of all messages in servers, which is a privileged intent. Without it, the bot gets direct messages, and messages in servers that mention it. Default: true.',
    ),
})

export type Config = z.infer<typeof configSchema>

/** An app has one connection for its messages and one URL for its interactions, so only one client can use it. */
export const account = ({ applicationId }: Config): string => applicationId

/** Half of what Discord allows: https://docs.discord.com/developers/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans */
const MAX_INVALID_REQUESTS = 5_000

/** The operator's options, for all clients. */
export const optionsSchema = z
  .strictObject({
    /** Base of the API with its version, for a proxy or a test. */
    apiUrl: z
      .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
      .refine((url) => !/[?#]/.test(url), 'must have no query and no fragment')
      .transform((url) => url.replace(/\/+$/, ''))
      .default('https://discord.com/api/v10'),
    /**
     * After how many answers with the status 401, 403 or 429 in ten minutes the server stops to call Discord, which bans
     * an IP address after 10,000. Lower it if several processes have the same address.
     */
    maxInvalidRequests: z
      .int('must be a whole number')
      .min(1, 'must be at least 1')
      .max(9_000, 'must be at most 9000')
      .default(MAX_INVALID_REQUESTS),
  })
  .prefault({})

export type Options = z.infer<typeof optionsSchema>
