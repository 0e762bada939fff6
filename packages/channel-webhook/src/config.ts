import { Webhook } from 'standardwebhooks'
import { z } from 'zod'

/** The shortest key that Standard Webhooks allows. */
const MIN_KEY_BYTES = 24

const secret = z
  .string()
  .refine(
    isSecret,
    `must be base64 of at least ${MIN_KEY_BYTES} bytes, with or without whsec_ in front of it`,
  )

/** What a client configures; the fields are the wire names of sync. Unknown ones are refused, so that a typo shows. */
export const configSchema = z.strictObject({
  /** Where messages for people are posted to. */
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .refine(hasNoCredentials, 'must not contain a user name or a password'),
  /** Signs what is posted to `url`, and verifies what comes in. */
  secret,
  /** While the secret is being changed: accepted on what comes in, and a second signature on what goes out. */
  previousSecret: secret.optional(),
})

export type Config = z.infer<typeof configSchema>

/** The keys of one integration, the current one first: decoded once, not for each message. */
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
