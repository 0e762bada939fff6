import { expect, test } from 'vitest'
import { withMediaType } from './media-type.js'

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
/** A zip archive without a file. */
const ZIP = Buffer.concat([Buffer.from('504b0506', 'hex'), Buffer.alloc(18)])

async function* inPieces(bytes: Uint8Array, length: number) {
  for (let at = 0; at < bytes.byteLength; at += length) yield bytes.subarray(at, at + length)
}

async function typeOf(bytes: Uint8Array, given?: string, length = 7): Promise<string> {
  const { type, body } = await withMediaType(inPieces(bytes, length), given)
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
  return type
}

test('is what the bytes say, whatever the sender says', async () => {
  expect(await typeOf(PNG)).toBe('image/png')
  expect(await typeOf(PNG, 'text/html')).toBe('image/png')
  expect(await typeOf(Buffer.concat([PNG, Buffer.alloc(200_000)]), 'application/pdf', 9_999)).toBe(
    'image/png',
  )
  expect(await typeOf(Buffer.from('%PDF-1.7\n%âãÏÓ\n1 0 obj'), 'image/png')).toBe('application/pdf')
})

test('is what the sender says where the bytes do not tell, if it is a type', async () => {
  const text = Buffer.from('a,b\n1,2\n')
  expect(await typeOf(text, 'Text/CSV; charset=utf-8')).toBe('text/csv')
  for (const wrong of [undefined, '', 'text', 'text/"x"\r\ny: z', 'a/b/c', '*/*']) {
    expect(await typeOf(text, wrong)).toBe('application/octet-stream')
  }
  expect(await typeOf(new Uint8Array(), 'text/plain')).toBe('text/plain')
})

test('is unknown if the sender says that it is a picture, and the bytes do not', async () => {
  expect(await typeOf(Buffer.from('<html>not an image</html>'), 'image/png')).toBe('application/octet-stream')
  expect(await typeOf(new Uint8Array(), 'image/jpeg')).toBe('application/octet-stream')
  expect(await typeOf(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'image/svg+xml')).toBe(
    'image/svg+xml',
  )
})

test('is what the sender says of what is packed in a container', async () => {
  const odt = 'application/vnd.oasis.opendocument.text'
  expect(await typeOf(ZIP)).toBe('application/zip')
  expect(await typeOf(ZIP, 'application/octet-stream')).toBe('application/zip')
  expect(await typeOf(ZIP, odt)).toBe(odt)
  expect(await typeOf(ZIP, 'image/png')).toBe('application/zip')
})

test('lets go of the sender when the file breaks off, or its reader leaves', async () => {
  let ended = 0
  async function* body() {
    try {
      yield PNG
      yield new Uint8Array(100_000)
      throw new Error('broken off')
    } finally {
      ended += 1
    }
  }
  const { body: whole } = await withMediaType(body(), undefined)
  for await (const _ of whole) break
  const { body: failing } = await withMediaType(body(), undefined)
  await expect(async () => {
    for await (const _ of failing);
  }).rejects.toThrow('broken off')
  expect(ended).toBe(2)
})
