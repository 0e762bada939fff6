import { pipeline, Readable, Transform } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { fileNameIn } from '@plugboard/core'

/** Largest file that a bot may send, and largest photo. https://core.telegram.org/bots/api#sending-files */
const MAX_BYTES = 50 * 1024 * 1024
const MAX_PHOTO_BYTES = 10 * 1024 * 1024

/** A file that is streamed from its address to Telegram; never held in memory as a whole. */
export interface Upload {
  source: Readable
  name: string
  /** Too large for a photo. */
  isLarge: boolean
  /** Also aborted when the download fails. */
  signal: AbortSignal
  /** Whether the download failed, or the file was larger than announced. */
  isBroken(): boolean
}

/** Downloads a file with the host's `fetch`. Undefined if this fails, or if the file is too large. */
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
  // An error or end of one stream closes the other; `source` emits the error.
  pipeline(Readable.fromWeb(response.body as ReadableStream), source, () => undefined)
  return {
    source,
    name: fileNameIn(url) ?? 'file',
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
