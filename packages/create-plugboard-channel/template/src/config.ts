import { z } from 'zod'

const secret = z.string().min(8, 'must be at least 8 characters long')

/** The client's configuration, with the field names of sync. Unknown fields are rejected, to detect typos. */
export const configSchema = z.strictObject({
  /** The name of the bot at Acme Chat. */
  botId: z.string().min(1).max(100),
  /** Sent with each call to Acme Chat. */
  apiToken: secret,
  /** Signs requests of Acme Chat. */
  signingSecret: secret,
})

export type Config = z.infer<typeof configSchema>

/** The operator's options. Not part of the client's configuration, because a client could target the server's network. */
export const optionsSchema = z.strictObject({
  /** Base URL of the API. */
  apiUrl: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .default('https://api.acme-chat.example'),
})
