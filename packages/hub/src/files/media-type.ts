/** Enough of a file to tell what it is; inside a container such as a spreadsheet that takes more than its first bytes. */
const HEAD_BYTES = 65_536

const UNKNOWN = 'application/octet-stream'
const WELL_FORMED = /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/

/** What many kinds of files are packed in: whoever sent one may know more. */
const CONTAINERS: ReadonlySet<string> = new Set([
  'application/gzip',
  'application/x-cfb',
  'application/xml',
  'application/zip',
])

/** A file, what it is by its bytes or else by what its sender says, and all of its bytes once more. */
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

/** What tells files apart by their bytes. It takes 50 ms to load: at the first upload, unless it was before. */
export const loadFileTypes = () => import('file-type')

async function mediaTypeOf(head: Uint8Array, given: string | undefined): Promise<string> {
  const { fileTypeFromBuffer } = await loadFileTypes()
  // What is cut off in the middle, or is no such file after all, is of no known type.
  const found = await fileTypeFromBuffer(head).catch(() => undefined)
  const said = sane(given)
  if (!found) return said ?? UNKNOWN
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
