import { pipeline, Readable, Transform } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'

/** As much as a bot may send, and as a photo. https://core.telegram.org/bots/api#sending-files */
const MAX_BYTES = 50 * 1024 * 1024
const MAX_PHOTO_BYTES = 10 * 1024 * 1024

/** A file on its way from where the bot said to Telegram; it is never held as a whole. */
export interface Upload {
  source: Readable
  name: string
  /** Too large for a photo. */
  isLarge: boolean
  /** Aborted also when the file breaks off. */
  signal: AbortSignal
  /** Whether the file broke off, or was too large after all. */
  isBroken(): boolean
}

/** Opens a file of the bot's with the host's guarded fetch. Undefined when it cannot be had, or is too large. */
export async function openUpload(
  fetch: typeof globalThis.fetch,
  url: string,
  signal: AbortSignal,
): Promise<Upload | undefined> {
  const response = await fetch(url, { signal, redirect: 'manual' }).catch(() => undefined)
  signal.throwIfAborted()
  if (!response?.body) return undefined
  const size = Number(response.headers.get('content-length') ?? 0)
  if (!response.ok || size > MAX_BYTES) {
    await response.body.cancel().catch(() => undefined)
    return undefined
  }
  const broken = new AbortController()
  const source = limited().once('error', () => broken.abort())
  // Whichever end goes first takes the other along; why it broke is told by the error of `source`.
  pipeline(Readable.fromWeb(response.body as ReadableStream), source, () => undefined)
  return {
    source,
    name: nameOf(url),
    isLarge: size > MAX_PHOTO_BYTES,
    signal: AbortSignal.any([signal, broken.signal]),
    isBroken: () => broken.signal.aborted,
  }
}

function limited(): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Uint8Array, _, done) {
      bytes += chunk.length
      if (bytes > MAX_BYTES) done(new Error('the file is too large'))
      else done(null, chunk)
    },
  })
}

/** The last part of the path; it stands in a header of the form, so quotes and line ends have no place in it. */
function nameOf(url: string): string {
  const last = new URL(url).pathname.split('/').at(-1) ?? ''
  return (
    decoded(last)
      .replace(/[\p{Cc}"\\/]/gu, '_')
      .slice(-100)
      .toWellFormed() || 'file'
  )
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
