import { z } from 'zod'

const secret = z.string().min(8, 'must be at least 8 characters long')

/** What a client configures; the fields are the names in sync. Unknown ones are refused, so that a typo shows. */
export const configSchema = z.strictObject({
  /** The name of the bot at Acme Chat. */
  botId: z.string().min(1).max(100),
  /** Goes with each call to Acme Chat. */
  apiToken: secret,
  /** Signs what Acme Chat sends. */
  signingSecret: secret,
})

export type Config = z.infer<typeof configSchema>

/** What the operator of the server sets; never a client, who could point the server at addresses of its network. */
export const optionsSchema = z.strictObject({
  /** Base address of the API. */
  apiUrl: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .default('https://api.acme-chat.example'),
})
