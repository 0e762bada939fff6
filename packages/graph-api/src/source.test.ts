import { fakeProvider } from '@plugboard/core/testing'
import { describe, expect, test } from 'vitest'
import { openSource } from './source.js'

const signal = AbortSignal.timeout(10_000)
const maxBytes = (mime: string | undefined) => (mime === 'image/png' ? 10 : undefined)

/** What comes of a file with these headers and this content. */
async function open(
  headers: Record<string, string>,
  body: string,
  path = '/files/my%20plan.png',
  status = 200,
) {
  await using provider = await hosted(headers, body, status)
  const source = await openSource(fetch, provider.url + path, { maxBytes, signal })
  const text = source && (await new Response(source.body).text().catch(() => 'broken'))
  return source && { ...source, body: text }
}

async function hosted(headers: Record<string, string>, body: string, status: number) {
  const provider = await fakeProvider({ answer: () => ({ status, headers, body }) })
  return { url: provider.url, [Symbol.asyncDispose]: () => provider.close() }
}

describe('a file', () => {
  test('has its type, size and name', async () => {
    const opened = await open({ 'content-type': 'IMAGE/png; charset=x', 'content-length': '5' }, 'bytes')
    expect(opened).toMatchObject({ mime: 'image/png', size: 5, name: 'my plan.png', body: 'bytes' })
    expect(opened?.isBroken()).toBe(false)
  })

  test('of another type, too large, or not there, is not opened', async () => {
    expect(await open({ 'content-type': 'text/html' }, 'page')).toBeUndefined()
    expect(await open({ 'content-type': 'image/png', 'content-length': '11' }, 'eleven byte')).toBeUndefined()
    expect(await open({ 'content-type': 'image/png' }, 'gone', '/', 404)).toBeUndefined()
    expect(await open({ 'content-type': 'image/png', location: '/x' }, '', '/', 302)).toBeUndefined()
    expect(await openSource(fetch, 'http://127.0.0.1:9/x.png', { maxBytes, signal })).toBeUndefined()
  })

  test('that turns out too large breaks off', async () => {
    const opened = await open({ 'content-type': 'image/png', 'transfer-encoding': 'chunked' }, 'eleven byte')
    expect(opened?.body).toBe('broken')
    expect(opened?.isBroken()).toBe(true)
  })

  test.each([
    ['/', 'file'],
    ['/a%22b%0Ac.png', 'a_b_c.png'],
    ['/%ff.png', '%ff.png'],
    [`/${'x'.repeat(200)}.png`, `${'x'.repeat(96)}.png`],
  ])('at %s is named %s', async (path, name) => {
    expect(await open({ 'content-type': 'image/png' }, 'x', path)).toMatchObject({ name })
  })

  test('is not waited for after an abort', async () => {
    const aborted = { maxBytes, signal: AbortSignal.abort() }
    await expect(openSource(fetch, 'http://127.0.0.1:9/', aborted)).rejects.toThrow()
  })
})
