import { createPrivateKey, type KeyObject } from 'node:crypto'
import { isPlainUrl } from '@plugboard/core'
import { z } from 'zod'

const text = (maxLength: number) =>
  z.string().regex(/\S/, 'must not be empty').max(maxLength, `must be at most ${maxLength} characters long`)

/** Fields are compared with each other also beside faults of others, so that all faults are named at once. */
const isObject = ({ value }: { value: unknown }): boolean => typeof value === 'object' && value !== null

/** A client's configuration, with the field names of sync. Unknown fields are rejected, so that a typo is noticed. */
export const configSchema = z
  .strictObject({
    apiKey: text(100).describe('Name of the account, in the header of the Dashboard.'),
    apiSecret: text(200).describe('Password of the account for requests to Vonage.'),
    signatureSecret: text(200).describe('Signs the requests of Vonage: Dashboard > API settings.'),
    applicationId: z
      .guid('must be the id of an application, a UUID')
      .optional()
      .describe(
        'The application whose numbers send. Requests to Vonage then have its token, and not the password.',
      ),
    privateKey: text(10_000)
      .refine(isRsaKey, 'must be the private RSA key of the application, in PEM')
      .optional()
      .describe('The private key of the application: PEM, with line breaks or with `\\n` in their place.'),
    useTestingApi: z.boolean().optional().describe('Sends through the sandbox, to people who joined it.'),
  })
  .refine(({ applicationId, privateKey }) => privateKey === undefined || applicationId !== undefined, {
    ...{ path: ['applicationId'], message: 'is required with privateKey', when: isObject },
  })
  .refine(({ applicationId, privateKey }) => applicationId === undefined || privateKey !== undefined, {
    ...{ path: ['privateKey'], message: 'is required with applicationId', when: isObject },
  })

export type Config = z.infer<typeof configSchema>

/** @throws for a text that is no key. */
export const keyOf = (pem: string): KeyObject => createPrivateKey(pem.replaceAll('\\n', '\n'))

function isRsaKey(pem: string): boolean {
  try {
    return keyOf(pem).asymmetricKeyType === 'rsa'
  } catch {
    return false
  }
}

const API_BASE_URL = 'https://api.nexmo.com'
const SANDBOX_BASE_URL = 'https://messages-sandbox.nexmo.com'

const baseUrl = (standard: string) =>
  z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .refine(isPlainUrl, 'must not have a user name, a password, a query or a fragment')
    .default(standard)
    .transform((url) => url.replace(/\/+$/, ''))

/** The operator's options. */
export const optionsSchema = z.strictObject({
  /** Address of Vonage's API: a proxy, or a region such as `https://api-eu.vonage.com`. */
  apiBaseUrl: baseUrl(API_BASE_URL),
  /** Address of the sandbox. */
  sandboxBaseUrl: baseUrl(SANDBOX_BASE_URL),
})

export type Options = z.infer<typeof optionsSchema>
