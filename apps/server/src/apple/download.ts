import { TargetForbiddenError } from '../outbound/guard.js'
import { AppleDataError } from './apple-data-error.js'

export interface DownloadOptions {
  /** Refuses forbidden addresses. */
  fetch: typeof globalThis.fetch
  signal: AbortSignal
  /** Longest answer. */
  maxBytes: number
}

/** Requests a 200 response of limited length. `what` starts the error message. @throws AppleDataError */
export async function download(
  what: string,
  url: string,
  init: RequestInit,
  { fetch, signal, maxBytes }: DownloadOptions,
): Promise<Buffer> {
  try {
    const response = await fetch(url, { ...init, signal, redirect: 'manual' })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new AppleDataError(`${what} answered with status ${response.status}`)
    }
    return await bytesOf(what, response, maxBytes)
  } catch (error) {
    throw error instanceof AppleDataError ? error : new AppleDataError(`${what} ${reasonOf(error, signal)}`)
  }
}

async function bytesOf(what: string, { body }: Response, maxBytes: number): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  if (!body) return Buffer.alloc(0)
  for await (const piece of body) {
    bytes += piece.byteLength
    if (bytes > maxBytes) throw new AppleDataError(`${what} answered with more than ${maxBytes} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** Only errors of the address guard are shown to the caller: they explain why the address is forbidden. */
function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'took too long'
  const cause = error instanceof Error ? error.cause : undefined
  for (const each of [error, cause])
    if (each instanceof TargetForbiddenError) return `cannot be called: ${each.message}`
  return 'cannot be reached'
}
