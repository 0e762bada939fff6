import { isPlainUrl } from '@plugboard/core'
import { z } from 'zod'

const text = (maxLength: number) =>
  z.string().regex(/\S/, 'must not be empty').max(maxLength, `must be at most ${maxLength} characters long`)

/** A client's configuration, with the field names of sync. Unknown fields are rejected, so that a typo is noticed. */
export const configSchema = z
  .strictObject({
    appId: text(100).describe('Id of the app, on its page Settings.'),
    keyId: text(100).describe('Id of an API key of the app, `app_…`, or of a custom integration, `int_…`.'),
    keySecret: text(500).describe('Secret of the API key.'),
    webhookSecret: text(500).describe('Secret of the webhook, which each of its requests has.'),
    region: z
      .enum(['us', 'eu'], 'must be us or eu')
      .optional()
      .describe('Where an app of Smooch itself is. Default: `us`.'),
    subdomain: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i, 'must be the name before .zendesk.com')
      .optional()
      .describe('The `acme` of `acme.zendesk.com`, for an app of a Zendesk account.'),
  })
  .refine(({ region, subdomain }) => region === undefined || subdomain === undefined, {
    path: ['region'],
    message: 'has no meaning with subdomain',
    // Also beside faults of other fields, so that all are named at once.
    when: ({ value }) => typeof value === 'object' && value !== null,
  })

export type Config = z.infer<typeof configSchema>

/** The operator's options. */
export const optionsSchema = z.strictObject({
  /** Address of the API for all integrations, without `/v2`: a proxy, or another server with this API. */
  apiBaseUrl: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .refine(isPlainUrl, 'must not have a user name, a password, a query or a fragment')
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
})

export type Options = z.infer<typeof optionsSchema>

/** https://developer.zendesk.com/api-reference/conversations/#section/Introduction/Regions */
const REGIONS = { us: 'https://api.smooch.io', eu: 'https://api.eu-1.smooch.io' } as const

/** Address of the hosted API for an integration, without `/v2`. */
export const hostedUrlOf = ({ region = 'us', subdomain }: Config): string =>
  subdomain === undefined ? REGIONS[region] : `https://${subdomain}.zendesk.com/sc`

/** Address of the API for an integration, without `/v2`. */
export const baseUrlOf = (config: Config, { apiBaseUrl }: Options): string =>
  apiBaseUrl ?? hostedUrlOf(config)
