import { fileNameIn } from '@plugboard/core'

/** A file that is streamed from its address; never held in memory as a whole. */
export interface Source {
  body: ReadableStream<Uint8Array>
  /** In bytes, if the address names it. */
  size?: number
  /** Without parameters, in lower case. */
  mime?: string
  /** The last part of the path, without characters that a header of a form cannot have. */
  name: string
  /** Whether the body failed: the download broke off, or the file is larger than the limit. */
  isBroken(): boolean
}

/** What a file may be. */
export interface SourceLimits {
  /** Largest size by MIME type; undefined for a type that is not accepted. In bytes. */
  maxBytes(mime: string | undefined): number | undefined
  signal: AbortSignal
}

/**
 * Opens a file at any address with the host's `fetch`. Undefined if it cannot be had, or is not within the limits. A body
 * that turns out larger than the limit fails with an error.
 */
export async function openSource(
  fetch: typeof globalThis.fetch,
  url: string,
  { maxBytes, signal }: SourceLimits,
): Promise<Source | undefined> {
  const response = await fetch(url, { signal, redirect: 'manual' }).catch(() => undefined)
  signal.throwIfAborted()
  if (!response?.body) return undefined
  const mime = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() || undefined
  const limit = maxBytes(mime)
  const length = response.headers.get('content-length')
  // `fetch` decodes the body, so the length of an encoded one is not the size of the file.
  const isSize = length !== null && /^\d{1,15}$/.test(length) && !response.headers.has('content-encoding')
  const size = isSize ? Number(length) : undefined
  if (!response.ok || limit === undefined || (size ?? 0) > limit) {
    await response.body.cancel().catch(() => undefined)
    return undefined
  }
  const { stream, isBroken } = atMost(limit, response.body)
  return {
    ...{ body: stream, name: fileNameIn(url) ?? 'file', isBroken },
    ...(size !== undefined && { size }),
    ...(mime !== undefined && { mime }),
  }
}

/** The same bytes, up to a limit. */
function atMost(limit: number, body: ReadableStream<Uint8Array>) {
  const reader = body.getReader()
  let bytes = 0
  let isBroken = false
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (done) return controller.close()
        bytes += value.length
        if (bytes > limit) throw new Error('the file is larger than the limit')
        controller.enqueue(value)
      } catch (error) {
        isBroken = true
        controller.error(error)
        await reader.cancel().catch(() => undefined)
      }
    },
    cancel: (reason) => reader.cancel(reason),
  })
  return { stream, isBroken: () => isBroken }
}
