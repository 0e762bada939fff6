import {
  type CallContext,
  type Failure,
  FailureError,
  invalid,
  type Json,
  type OpenMedia,
  openProviderFile,
} from '@plugboard/core'
import { z } from 'zod'
import { ApiError, call, type Session } from './api.js'
import type { Config } from './config.js'
import { classify } from './failure.js'

/** An id as Telegram makes them: no address, and no path. */
export const fileIdSchema = z.string().regex(/^[\w-]{1,256}$/)

const fileSchema = z.object({ file_path: z.string(), file_size: z.int().min(0).optional() })

/**
 * Opens a file that a person sent. Its address holds the bot's token, so it is requested each time, goes to the Bot API
 * only, and no redirect is followed.
 */
export const openMedia =
  (fetch: typeof globalThis.fetch) =>
  async (ref: Json, { integration, signal }: CallContext<Config, Session>): Promise<OpenMedia> => {
    const fileId = fileIdSchema.safeParse(ref)
    if (!fileId.success) throw invalid({ path: ['ref'], message: 'must be the id of a file at Telegram' })
    const { session } = integration
    const file = fileSchema.safeParse(await findFile(session, fileId.data, signal))
    if (!file.success || !isRelative(file.data.file_path))
      throw new FailureError({ kind: 'invalid', message: 'Telegram keeps this file elsewhere' })
    const { body, size } = await openProviderFile({
      provider: 'Telegram',
      url: new URL(session.files + file.data.file_path),
      // The address has them.
      credentialsFor: () => ({}),
      maxRedirects: 0,
      fetch,
      signal,
      failureOf,
    })
    const known = file.data.file_size ?? size
    // Telegram answers every file as `application/octet-stream`; the type is in the event.
    return { body, ...(known !== undefined && { size: known }) }
  }

/** Telegram gives bots files of up to 20 MB; a Bot API server of your own has no such limit. */
async function findFile(session: Session, file_id: string, signal: AbortSignal): Promise<unknown> {
  try {
    return await call(session, 'getFile', { file_id }, signal)
  } catch (error) {
    if (!(error instanceof ApiError) || !/file is too big/i.test(error.details.description ?? '')) throw error
    throw new FailureError({
      kind: 'invalid',
      message: 'the file is larger than 20 MB, and Telegram does not give such files to bots',
    })
  }
}

/** `photos/file_7.jpg`. A Bot API server in its local mode answers a path of its own disk. */
const isRelative = (path: string): boolean =>
  /^[\w-][\w .-]*(\/[\w-][\w .-]*)*$/.test(path) && !path.includes('..')

function failureOf({ ok, status }: Response): Failure | undefined {
  if (ok) return undefined
  if (status === 404) return { kind: 'invalid', message: 'the file is gone' }
  return classify(new ApiError('download', { status }))
}
