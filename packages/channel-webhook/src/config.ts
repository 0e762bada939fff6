import { isUrl } from '@plugboard/core'
import { z } from 'zod'

/** Shortest key that Standard Webhooks allows. */
const MIN_KEY_BYTES = 24

const secret = z
  .string()
  .refine(
    isSecret,
    `must be base64 of at least ${MIN_KEY_BYTES} bytes, with or without whsec_ in front of it`,
  )

/** A client's configuration, with the field names of sync. Unknown fields are rejected, so that a typo is noticed. */
export const configSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .refine(hasNoCredentials, 'must not contain a user name or a password')
    .describe('Address that receives messages for people.'),
  secret: secret.describe('Signs requests to `url`, and verifies inbound requests.'),
  previousSecret: secret
    .optional()
    .describe(
      'The old secret during a change: also accepted on inbound requests, and a second signature on outbound ones.',
    ),
  changes: z
    .boolean({ error: 'must be a boolean' })
    .optional()
    .describe('Whether `url` also receives edits and removals of messages that it accepted.'),
})

export type Config = z.infer<typeof configSchema>

function isSecret(text: string): boolean {
  const base64 = text.replace(/^whsec_/, '')
  const key = Buffer.from(base64, 'base64')
  return key.length >= MIN_KEY_BYTES && key.toString('base64') === base64
}

function hasNoCredentials(text: string): boolean {
  if (!isUrl(text)) return true
  const { username, password } = new URL(text)
  return username === '' && password === ''
}
