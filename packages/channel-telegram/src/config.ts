import { createHash, createHmac } from 'node:crypto'
import { z } from 'zod'

/** What a client configures; the fields are the wire names of sync. Unknown ones are refused, so that a typo shows. */
export const configSchema = z.strictObject({
  /** As BotFather gave it. Any text will do here: whether it is a bot's token only Telegram can say. */
  botToken: z.string('must be text').min(1, 'must not be empty'),
})

export type Config = z.infer<typeof configSchema>

/** What an operator sets, for all bots of the server. */
export const optionsSchema = z.strictObject({
  /** Where the Bot API is; another address than the default is that of a Bot API server of your own. */
  apiRoot: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .refine((url) => !/[?#]/.test(url), 'must have no query and no fragment')
    .transform((url) => url.replace(/\/+$/, ''))
    .default('https://api.telegram.org'),
})

export type Options = z.infer<typeof optionsSchema>

/** The bot's id, which stands before the colon of its token and is no secret; undefined for a token that is none. */
export const botId = ({ botToken }: Config): string | undefined => /^(\d{1,20}):/.exec(botToken)?.[1]

/** A bot has one webhook, so it can serve one client. A token without an id is told apart by a hash. */
export function account(config: Config): string {
  const hash = () => createHash('sha256').update(config.botToken).digest('hex').slice(0, 32)
  return botId(config) ?? `token ${hash()}`
}

/**
 * What Telegram sends back with each update, in a header, to show that it is Telegram: 64 of the characters that
 * `setWebhook` allows. Made of the token, so that every replica knows it, and a new token makes a new one.
 */
export const webhookSecret = ({ botToken }: Config): string =>
  createHmac('sha256', botToken).update('plugboard telegram webhook secret').digest('hex')
