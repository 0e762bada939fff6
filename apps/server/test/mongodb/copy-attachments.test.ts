import { basename } from 'node:path'
import { afterAll, expect, inject, test } from 'vitest'
import { runCommand } from '../support/command-line.js'
import { cleanUp, startServer, temporaryFolder } from '../support/server.js'
import { newKey, officialClient } from '../support/sunshine.js'

afterAll(cleanUp)

test('brings attachments along under the same addresses, and back', { timeout: 60_000 }, async () => {
  const folder = await temporaryFolder()
  const mongodb = inject('mongodbUrl')?.replace(/\/(\?|$)/, `/${basename(folder)}$1`) ?? ''
  const env = { ENCRYPTION_KEY: '', DATABASE_URL: 'file:first.db' }
  let server = await startServer({ folder, env })
  const api = officialClient(server, await newKey(server))
  const texts = ['one', 'two', 'three']
  const urls: string[] = []
  for (const text of texts) {
    const { attachment } = await api.uploadAttachment('public', Buffer.from(text), {})
    urls.push(attachment.mediaUrl)
  }
  const shown = () => Promise.all(urls.map(async (url) => (await fetch(url)).text()))
  for (const [from, to] of [
    ['file:first.db', mongodb],
    [mongodb, 'file:second.db'],
  ] as const) {
    await server.stop()
    const { out, code } = await runCommand(['copy', '--from', from, '--to', to], { folder })
    expect([code, out]).toEqual([0, expect.stringMatching(/attachment +3\n/)])
    server = await server.restart({ DATABASE_URL: to })
    expect(await shown()).toEqual(texts)
  }
})
