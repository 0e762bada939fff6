import type { IncomingMessage } from 'node:http'
import { type Readable, Transform } from 'node:stream'
import { lazyModule } from '../../lazy.js'

const busboyModule = lazyModule(() => import('@fastify/busboy'))

/** A file of a form. */
export interface FormFile {
  /** Its bytes, as they come in. @throws MalformedForm */
  body: AsyncIterable<Uint8Array>
  /** The media type that the sender claims. */
  type: string
  name?: string | undefined
}

/** The body is not a multipart form, is cut off, or has too many parts. */
export class MalformedForm extends Error {
  override readonly name = 'MalformedForm'
}

/** Limits of a form. Fields beside the file are ignored. */
const MAX_PARTS = 20
const LIMITS = { parts: MAX_PARTS, fields: MAX_PARTS - 1, fieldSize: 4_096, headerPairs: 50 }

const TYPE = /^multipart\/form-data\s*(;|$)/i
/** RFC 2046 §5.1.1. */
const BOUNDARY = /;\s*boundary=(?:"([\w'()+,./:=? -]{1,70})"|([\w'()+,./:=?-]{1,70}))\s*(?:;|$)/i

/** Whether a media type is that of forms with files. */
export const isForm = (type: string | undefined): boolean => TYPE.test(type ?? '')

/**
 * The file in this field of a multipart form; undefined if there is none. A file above `maxBytes` is cut after one more
 * byte. Does not read the rest of the body.
 * @throws MalformedForm
 */
export async function fileIn(
  request: IncomingMessage,
  { field, maxBytes }: { field: string; maxBytes: number },
): Promise<FormFile | undefined> {
  const [, quoted, plain] = BOUNDARY.exec(request.headers['content-type'] ?? '') ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) throw new MalformedForm('the boundary is missing')
  const { Busboy } = await busboyModule()
  const parser = new Busboy({
    headers: { 'content-type': `multipart/form-data; boundary="${boundary}"` },
    limits: { ...LIMITS, fileSize: maxBytes + 1 },
    // Some clients send a Buffer without the name of a file.
    isPartAFile: (name, type, filename) =>
      name === field || filename !== undefined || type === 'application/octet-stream',
  })
  const limited = atMostParts(boundary)
  return new Promise((resolve, reject) => {
    let current: Readable | undefined
    const fail = (reason: unknown): void => {
      request.unpipe(limited)
      const error = new MalformedForm('the form is malformed', { cause: reason })
      current?.destroy(error)
      reject(error)
    }
    parser.on('file', (name, body, filename: string | undefined, _, type) => {
      current = body
      // Without a listener, an error before somebody reads it would end the process.
      body.on('error', () => undefined)
      if (name === field) resolve({ body: bytesOf(body), type, name: filename })
      else body.resume()
    })
    for (const limit of ['partsLimit', 'fieldsLimit'] as const) parser.on(limit, () => fail(limit))
    parser.on('finish', () => resolve(undefined)).on('error', fail)
    const closed = () => {
      if (!request.complete) fail('the request was aborted')
    }
    // It may have been while the parser was loaded.
    if (request.closed) return closed()
    request.once('close', closed)
    request.pipe(limited).on('error', fail).pipe(parser)
  })
}

async function* bytesOf(stream: Readable): AsyncGenerator<Uint8Array> {
  try {
    yield* stream
  } catch (error) {
    throw error instanceof MalformedForm ? error : new MalformedForm('the file is cut off', { cause: error })
  }
}

/**
 * Passes a form on until it has too many parts. The parser goes on through all of them when its own limit is reached, and
 * a chunk has room for thousands, each of which takes time.
 */
function atMostParts(boundary: string): Transform {
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  let left = MAX_PARTS + 1
  // The first delimiter may be at the very start, without a line end before it.
  let tail: Uint8Array = Buffer.from('\r\n')
  return new Transform({
    transform(chunk: Uint8Array, _, done) {
      const bytes = Buffer.concat([tail, chunk])
      for (let at = bytes.indexOf(delimiter); at !== -1; at = bytes.indexOf(delimiter, at + 1)) {
        left -= 1
        if (left < 0) return done(new Error('too many parts'))
      }
      tail = bytes.subarray(Math.max(0, bytes.length - delimiter.length + 1))
      done(null, chunk)
    },
  })
}
