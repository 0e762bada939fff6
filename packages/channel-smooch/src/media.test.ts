import { text } from 'node:stream/consumers'
import type { Json } from '@plugboard/core'
import { fakeProvider } from '@plugboard/core/testing'
import { expect, test } from 'vitest'
import { FILE } from '../test/fake-smooch.js'
import { config, stage } from '../test/stage.js'

/** Opens a reference and reads it; or what the error means. */
async function read(set: Awaited<ReturnType<typeof stage>>, ref: Json) {
  try {
    const opened = await set.runtime.openMedia?.(ref, set.context())
    return opened && { ...opened, body: await text(opened.body) }
  } catch (error) {
    return set.runtime.classify(error)
  }
}

test('a private file is fetched with the credentials', async () => {
  await using set = await stage({ keys: { [config.keyId]: config.keySecret } })
  expect(await read(set, set.provider.url + FILE)).toMatchObject({
    body: 'bytes of a picture',
    mime: 'image/jpeg',
  })
})

test('a private file at the hosted API is fetched through the address of the operator', async () => {
  await using set = await stage({ config: { subdomain: 'acme' } })
  expect(await read(set, `https://acme.zendesk.com/sc${FILE}`)).toMatchObject({ body: 'bytes of a picture' })
  expect(await read(set, `https://other.zendesk.com/sc${FILE}`)).toMatchObject({ kind: 'invalid' })
})

test('a file that is not there is gone', async () => {
  await using set = await stage()
  expect(await read(set, `${set.provider.url}/attachments/none`)).toEqual({
    kind: 'invalid',
    message: 'the file is gone',
  })
})

test('credentials never go to another host', async () => {
  const elsewhere = await fakeProvider()
  await using set = await stage()
  const refs = [
    `${elsewhere.url}/file`,
    `${set.provider.url}@${elsewhere.url}/`,
    7,
    null,
    { url: elsewhere.url },
    'file:///etc/passwd',
  ]
  for (const ref of refs) expect(await read(set, ref)).toMatchObject({ kind: 'invalid' })
  set.provider.answerWith({ status: 302, headers: { location: `${elsewhere.url}/file` } })
  expect(await read(set, set.provider.url + FILE)).toMatchObject({ body: '{"error":"as the test asks"}' })
  expect(elsewhere.calls.map(({ headers }) => headers.authorization)).toEqual([undefined])
  await elsewhere.close()
})
