import {
  type CallContext,
  type Failure,
  FailureError,
  type Json,
  type OpenMedia,
  openProviderFile,
} from '@plugboard/core'
import { z } from 'zod'
import type { Session, TeamsApi } from './api.js'
import type { Config } from './config.js'
import { failureOfAnswer } from './failure.js'

const refSchema = z.object({ url: z.url({ protocol: /^https$/ }).max(4000) })

/**
 * Opens a file that an event named. A picture in a message is at the Bot Connector, which wants the token of the bot. A
 * file is in the person's OneDrive, at an address that works for some time without credentials.
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bots-filesv4
 */
export const openMedia =
  (api: TeamsApi, fetch: typeof globalThis.fetch) =>
  async (ref: Json, context: CallContext<Config, Session>): Promise<OpenMedia> => {
    const { data } = refSchema.safeParse(ref)
    if (!data) throw new FailureError({ kind: 'invalid', message: 'the reference is not to a file in Teams' })
    const { signal } = context
    const connector = api.connectorUrl(data.url)
    const file = { provider: 'Teams', fetch, signal, failureOf }
    if (!connector) return openProviderFile({ ...file, url: new URL(data.url) })
    const headers = { authorization: await api.authorization(context) }
    return openProviderFile({
      ...file,
      url: connector,
      credentialsFor: ({ origin }) => (origin === connector.origin ? headers : undefined),
    })
  }

/** Reading changes nothing, so a failure is never ambiguous; a file that is gone does not mean that the token is wrong. */
function failureOf({ ok, status, headers }: Response): Failure | undefined {
  if (ok) return undefined
  if (status === 404 || status === 410) return { kind: 'invalid', message: 'the file is gone' }
  if (status === 401 || status === 403)
    return {
      kind: 'invalid',
      message: `Teams answered ${status}: the address of the file does not work any more`,
    }
  const failure = failureOfAnswer({ status, retryAfter: headers.get('retry-after') })
  return failure.kind === 'ambiguous' ? { kind: 'transient', message: failure.message } : failure
}
