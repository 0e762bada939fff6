import { z } from 'zod'

const filled = z
  .string({ error: ({ input }) => (input === undefined ? 'is required' : 'must be text') })
  .trim()
  .min(1, 'must not be empty')

/** A client's configuration, with the field names of sync. Unknown fields are rejected, so that a typo is noticed. */
export const configSchema = z.strictObject({
  // Any text is accepted, because only Microsoft knows whether it is valid.
  appId: filled.max(100, 'must have at most 100 characters').describe('"Microsoft App ID" of the Azure Bot.'),
  appPassword: filled.describe('The value of a client secret of the app registration; not its id.'),
  tenantId: filled
    .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/, 'must be the id or the domain of a tenant')
    .optional()
    .describe('The tenant of the app registration: its id or domain. Absent for a multi-tenant bot.'),
})

export type Config = z.infer<typeof configSchema>

/** A bot has one messaging endpoint, so only one client can use it. */
export const account = ({ appId }: Config): string => appId.toLowerCase()

const address = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .refine((url) => !/[?#]/.test(url), 'must have no query and no fragment')
  .transform((url) => url.replace(/\/+$/, ''))

/** The operator's options, for all bots of the server. The defaults are those of Microsoft's public cloud. */
export const optionsSchema = z
  .strictObject({
    /** Where access tokens come from. They are requested with the password of the bot. */
    loginUrl: address.default('https://login.microsoftonline.com'),
    /** The document that says with which keys Microsoft signs its requests. */
    openIdUrl: address.default('https://login.botframework.com/v1/.well-known/openidconfiguration'),
    /** Who signs the requests, and for whom access tokens are. */
    issuer: address.default('https://api.botframework.com'),
    /**
     * The Bot Connector for all calls, instead of the address that Teams names in each conversation: a proxy, or a test.
     * Gets access tokens.
     */
    connectorUrl: address.optional(),
  })
  .prefault({})

export type Options = z.infer<typeof optionsSchema>
