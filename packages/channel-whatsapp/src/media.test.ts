import { text } from 'node:stream/consumers'
import type { ReadableStream } from 'node:stream/web'
import { fakeProvider } from '@plugboard/core/testing'
import { jsonAnswer } from '@plugboard/graph-api/testing'
import { describe, expect, test } from 'vitest'
import { config, stage } from '../test/stage.js'

const id = '1003383421387256'

describe('a file of a person', () => {
  test('is opened with the token, by the address that WhatsApp gives for it', async () => {
    await using set = await stage()
    set.provider.files.set(id, { mime: 'image/jpeg', body: 'bytes' })
    const file = await set.runtime.openMedia?.(id, set.context())
    expect(file).toMatchObject({ mime: 'image/jpeg', size: 5 })
    expect(await text(file?.body as ReadableStream)).toBe('bytes')
    expect(set.provider.calls[0]?.path).toContain(`phone_number_id=${config.phoneNumberId}`)
  })

  test('that is gone is invalid', async () => {
    await using set = await stage({ accounts: {} })
    const error: unknown = await set.runtime.openMedia?.(id, set.context()).catch((thrown: unknown) => thrown)
    expect(set.runtime.classify(error)).toMatchObject({ kind: 'invalid', message: 'the file is gone' })
  })

  test.each(['../me', 'a', '', 7, null, { id }])('is not opened by %j', async (ref) => {
    await using set = await stage()
    await expect(set.runtime.openMedia?.(ref, set.context())).rejects.toThrow('reference')
    expect(set.provider.calls).toEqual([])
  })

  test.each(['https://evil.example/a', 'http://lookaside.fbsbx.com/a', 'https://fbsbx.com.evil.example/a'])(
    'at %s does not get the token',
    async (url) => {
      const provider = await fakeProvider({ answer: () => jsonAnswer(200, { url, id }) })
      const { whatsapp } = await import('./index.js')
      const runtime = await whatsapp.load({ options: { graphUrl: provider.url }, fetch, logger: console })
      await using set = await stage()
      await expect(runtime.openMedia?.(id, set.context())).rejects.toThrow('the file is not at WhatsApp')
      await provider.close()
    },
  )
})
