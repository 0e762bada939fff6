import { createPublicKey } from 'node:crypto'
import { type CallContext, FailureError } from '@plugboard/core'
import { z } from 'zod'
import { request, type Session } from './api.js'
import { type Config, keyOf, type Options } from './config.js'
import { RefusedError } from './failure.js'

const applicationSchema = z.object({ keys: z.object({ public_key: z.string() }) })

/** Asks for the applications of the account, which is free, or for the configured one, and compares its key. */
export const check =
  ({ apiBaseUrl }: Options, fetch: typeof globalThis.fetch) =>
  async ({ integration: { config, session }, signal }: CallContext<Config, Session>): Promise<void> => {
    const { applicationId, privateKey } = config
    const applications = `${apiBaseUrl}/v2/applications`
    const url =
      applicationId === undefined ? `${applications}?page_size=1` : `${applications}/${applicationId}`
    const authorization = session.basic
    const answer = await request(fetch, { method: 'GET', url, authorization, signal }).catch(
      (error: unknown) => {
        throw isUnknown(error) ? wrong('applicationId', 'the account has no application with this id') : error
      },
    )
    if (answer === undefined)
      throw new FailureError({ kind: 'ambiguous', message: 'Vonage answered, but not in JSON' })
    if (privateKey !== undefined && !isKeyOf(answer, privateKey))
      throw wrong('privateKey', 'the private key is not that of the application')
  }

const isUnknown = (error: unknown): boolean => error instanceof RefusedError && error.status === 404

const wrong = (field: keyof Config, message: string): FailureError =>
  new FailureError({ kind: 'auth', field, message })

/** Whether the public key of the application belongs to the private one. */
function isKeyOf(application: unknown, privateKey: string): boolean {
  const { data } = applicationSchema.safeParse(application)
  try {
    return (
      data === undefined || createPublicKey(data.keys.public_key).equals(createPublicKey(keyOf(privateKey)))
    )
  } catch {
    // An application may have no key, and then has no tokens.
    return false
  }
}
