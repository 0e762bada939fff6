import { FailureError } from '@plugboard/core'
import type { GraphForm } from './api.js'
import type { Source } from './source.js'

/**
 * Uploads a file that comes from its address. Undefined if that broke off. An upload shows nothing to anybody, so one
 * without an answer may be repeated.
 * @throws what `send` throws, but no FailureError of the kind `ambiguous`
 */
export async function uploadSource<T>(
  source: Source,
  signal: AbortSignal,
  send: (file: GraphForm['file']) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await send({ ...source, mime: source.mime ?? 'application/octet-stream' })
  } catch (error) {
    if (source.isBroken() && !signal.aborted) return undefined
    if (!(error instanceof FailureError) || error.failure.kind !== 'ambiguous') throw error
    throw new FailureError({ ...error.failure, kind: 'transient' })
  }
}
