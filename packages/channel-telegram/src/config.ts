import { createHash, createHmac } from 'node:crypto'
import { z } from 'zod'

/** A client's configuration, with the field names of sync. Unknown fields are rejected, so that a typo is noticed. */
export const configSchema = z.strictObject({
  // Any text is accepted, because only Telegram knows whether a token is valid.
  botToken: z
    .string('must be text')
    .min(1, 'must not be empty')
    .describe('The token of the bot, from BotFather: digits, a colon, and the secret.'),
})

export type Config = z.infer<typeof configSchema>

/** The operator's options, for all bots of the server. */
export const optionsSchema = z.strictObject({
  /** Address of the Bot API, such as that of your own Bot API server. */
  apiRoot: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .refine((url) => !/[?#]/.test(url), 'must have no query and no fragment')
    .transform((url) => url.replace(/\/+$/, ''))
    .default('https://api.telegram.org'),
})

export type Options = z.infer<typeof optionsSchema>

/** The bot's id: the public part of its token, before the colon. Undefined for a text that is not a token. */
export const botId = ({ botToken }: Config): string | undefined => /^(\d{1,20}):/.exec(botToken)?.[1]

/** A bot has one webhook, so only one client can use it. A token without an id is identified by a hash. */
export function account(config: Config): string {
  const hash = () => createHash('sha256').update(config.botToken).digest('hex').slice(0, 32)
  return botId(config) ?? `token ${hash()}`
}

/**
 * The secret that Telegram sends in a header of each update: 64 of the characters that `setWebhook` allows. It is
 * derived from the token, so that every process knows it, and changes with the token.
 */
export const webhookSecret = ({ botToken }: Config): string =>
  createHmac('sha256', botToken).update('plugboard telegram webhook secret').digest('hex')
