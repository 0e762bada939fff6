import { text } from 'node:stream/consumers'
import type { ReadableStream } from 'node:stream/web'
import { expect, test } from 'vitest'
import { stage } from '../test/stage.js'

const failure = async (staged: Awaited<ReturnType<typeof stage>>, ref: string) =>
  staged.runtime.classify(
    await staged.runtime.openMedia?.(ref, staged.context()).catch((error: unknown) => error),
  )

test('a file is fetched from its address, without credentials', async () => {
  await using staged = await stage()
  const ref = staged.provider.addFile({ mime: 'image/jpeg', body: 'bytes of a picture' })
  const file = await staged.runtime.openMedia?.(ref, staged.context())
  expect(file?.mime).toBe('image/jpeg')
  expect(await text(file?.body as ReadableStream)).toBe('bytes of a picture')
  expect(staged.provider.calls.map(({ headers }) => headers.authorization)).toEqual([undefined])
})

test('a file whose address has expired is gone', async () => {
  await using staged = await stage()
  expect(await failure(staged, `${staged.provider.url}/files/7`)).toEqual({
    kind: 'invalid',
    message: 'the file is gone, or its address has expired',
  })
})

test.each([
  'https://elsewhere.example/a.png',
  'http://scontent.xx.fbcdn.net/a.png',
  'https://fbcdn.net.elsewhere.example/a.png',
  'https://me:you@scontent.xx.fbcdn.net/a.png',
  'no address',
])('%s is not opened', async (ref) => {
  await using staged = await stage()
  expect(await failure(staged, ref)).toEqual({ kind: 'invalid', message: 'the file is not at Messenger' })
})
