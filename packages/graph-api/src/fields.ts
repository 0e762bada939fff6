/**
 * Fields of configurations and options, for the declaration of a channel: importing them loads nothing else but core.
 * @packageDocumentation
 */
import { isPlainUrl } from '@plugboard/core'
import { z } from 'zod'

/** Where Meta serves the API. */
export const GRAPH_URL = 'https://graph.facebook.com'

/**
 * Most values in the JSON of a notification, for `inbound.maxJsonValues`. Meta collects up to 1,000 updates in one, and an
 * update has some dozens of values.
 * https://developers.facebook.com/docs/graph-api/webhooks/getting-started#event-notifications
 */
export const MAX_NOTIFICATION_VALUES = 40_000

const required =
  (what: string) =>
  ({ input }: { input?: unknown }) =>
    input === undefined ? 'is required' : `must be ${what}`

/** A text of a configuration that is not blank, with at most this many UTF-16 units. */
export const filledText = (maxLength: number) =>
  z
    .string({ error: required('text') })
    .regex(/\S/, 'must not be empty')
    .max(maxLength, `must be at most ${maxLength} characters long`)

/** An access token: it becomes a header, so it has no space and no line break. Meta gives no length. */
export const tokenText = () =>
  filledText(2048).regex(/^[\x21-\x7e]*$/, 'must have no spaces and only ASCII characters')

/** An operator's base address of the API, for a proxy or a test: http or https, without a query. A last slash is removed. */
export const graphUrl = (standard: string) =>
  z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .refine(isPlainUrl, 'must not have a user name, a password, a query or a fragment')
    .default(standard)
    .transform((url) => url.replace(/\/+$/, ''))

/**
 * A refinement for fields of an app, of which a configuration has all or none: names those that are missing, also beside
 * faults of other fields.
 *
 * ```ts
 * z.strictObject({ appSecret, verifyToken }).superRefine(...allOrNone('appSecret', 'verifyToken'))
 * ```
 */
export const allOrNone = <Field extends string>(...fields: Field[]) =>
  [
    (config: { [F in Field]?: unknown }, context: z.core.$RefinementCtx): void => {
      const given = fields.find((field) => config[field] !== undefined)
      if (given === undefined) return
      for (const field of fields.filter((each) => config[each] === undefined))
        context.addIssue({ code: 'custom', path: [field], message: `is required beside ${given}` })
    },
    { when: ({ value }: { value: unknown }): boolean => typeof value === 'object' && value !== null },
  ] as const
