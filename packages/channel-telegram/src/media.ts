import { type CallContext, invalid, type Json, type OpenMedia } from '@plugboard/core'
import { z } from 'zod'
import { ApiError, call, codeOf, type Session } from './api.js'
import type { Config } from './config.js'

/** An id as Telegram makes them: no address, and no path. */
export const fileIdSchema = z.string().regex(/^[\w-]{1,256}$/)

const fileSchema = z.object({ file_path: z.string(), file_size: z.int().min(0).optional() })

/**
 * Streams a file that somebody sent. The address holds the bot's token, so it is asked for each time, goes nowhere but to
 * the Bot API, and leads no further: a redirect is an error.
 */
export async function openMedia(
  ref: Json,
  { integration, signal }: CallContext<Config, Session>,
): Promise<OpenMedia> {
  const fileId = fileIdSchema.safeParse(ref)
  if (!fileId.success) throw invalid({ path: ['ref'], message: 'must be the id of a file at Telegram' })
  const { session } = integration
  const file = fileSchema.safeParse(await call(session, 'getFile', { file_id: fileId.data }, signal))
  if (!file.success || !isRelative(file.data.file_path))
    throw new ApiError('download', { status: 400, description: 'Telegram keeps this file elsewhere' })
  const response = await download(session.files + file.data.file_path, signal)
  const { file_size: size = Number(response.headers.get('content-length') ?? Number.NaN) } = file.data
  return { body: response.body, ...(Number.isSafeInteger(size) && { size }) }
}

/** `photos/file_7.jpg`. A Bot API server in its local mode answers a path of its own disk. */
const isRelative = (path: string): boolean =>
  /^[\w-][\w .-]*(\/[\w-][\w .-]*)*$/.test(path) && !path.includes('..')

type Streamed = Response & { body: ReadableStream<Uint8Array> }

async function download(url: string, signal: AbortSignal): Promise<Streamed> {
  const response = await fetch(url, { signal, redirect: 'manual' }).catch((error: unknown) => {
    throw new ApiError('download', { code: codeOf(error) })
  })
  if (response.ok && hasBody(response)) return response
  await response.body?.cancel().catch(() => undefined)
  throw new ApiError('download', { status: response.status })
}

const hasBody = (response: Response): response is Streamed => response.body !== null
