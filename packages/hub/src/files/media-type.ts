/** Bytes to read for type detection. Containers such as spreadsheets need more than their first bytes. */
const HEAD_BYTES = 65_536

const UNKNOWN = 'application/octet-stream'
const WELL_FORMED = /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/

/** Container formats of many file types: the sender's type may be more specific. */
const CONTAINERS: ReadonlySet<string> = new Set([
  'application/gzip',
  'application/x-cfb',
  'application/xml',
  'application/zip',
])

const IMAGE = /^image\//

/**
 * Detects the type of a file by its content, or else uses the sender's, unless that is of a picture. Returns the complete
 * file.
 */
export async function withMediaType(
  body: AsyncIterable<Uint8Array>,
  given: string | undefined,
): Promise<{ type: string; body: AsyncIterable<Uint8Array> }> {
  const pieces = body[Symbol.asyncIterator]()
  const head: Uint8Array[] = []
  let bytes = 0
  try {
    while (bytes < HEAD_BYTES) {
      const { value, done } = await pieces.next()
      if (done) break
      head.push(value)
      bytes += value.byteLength
    }
    return { type: await mediaTypeOf(Buffer.concat(head), given), body: again(head, pieces) }
  } catch (error) {
    await pieces.return?.()
    throw error
  }
}

/** The library for type detection. Loading takes 50 ms, at the first upload unless preloaded. */
export const loadFileTypes = () => import('file-type')

async function mediaTypeOf(head: Uint8Array, given: string | undefined): Promise<string> {
  const { fileTypeFromBuffer } = await loadFileTypes()
  // A truncated or malformed file has an unknown type.
  const found = await fileTypeFromBuffer(head).catch(() => undefined)
  const said = sane(given)
  // Pictures are recognised by their first bytes, but for drawings, which are text.
  if (!found) return said === undefined || (IMAGE.test(said) && !said.endsWith('+xml')) ? UNKNOWN : said
  const isPacked = CONTAINERS.has(found.mime) && /^application\/|\+xml$/.test(said ?? '')
  return isPacked && said !== undefined && said !== UNKNOWN ? said : (sane(found.mime) ?? UNKNOWN)
}

function sane(type = ''): string | undefined {
  const [name = ''] = type.toLowerCase().split(';')
  return WELL_FORMED.test(name.trim()) ? name.trim() : undefined
}

async function* again(
  head: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* head
    yield* { [Symbol.asyncIterator]: () => rest }
  } finally {
    await rest.return?.()
  }
}
