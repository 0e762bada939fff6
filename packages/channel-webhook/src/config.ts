import { Webhook } from 'standardwebhooks'
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
  /** Address that receives messages for people. */
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .refine(hasNoCredentials, 'must not contain a user name or a password'),
  /** Signs requests to `url`, and verifies inbound requests. */
  secret,
  /** The old secret during a change: also accepted on inbound requests, and a second signature on outbound ones. */
  previousSecret: secret.optional(),
})

export type Config = z.infer<typeof configSchema>

/** The decoded keys of one integration, the current one first. */
export type Session = readonly Webhook[]

export function connect({ secret, previousSecret }: Config): Session {
  return [secret, ...(previousSecret === undefined ? [] : [previousSecret])].map((each) => new Webhook(each))
}

function isSecret(text: string): boolean {
  const base64 = text.replace(/^whsec_/, '')
  const key = Buffer.from(base64, 'base64')
  return key.length >= MIN_KEY_BYTES && key.toString('base64') === base64
}

function hasNoCredentials(text: string): boolean {
  if (!URL.canParse(text)) return true
  const { username, password } = new URL(text)
  return username === '' && password === ''
}
