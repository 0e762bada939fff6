import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseAllowance } from './guard.js'
import { guardedFetch } from './guarded-fetch.js'

let server: Server
let url: string

beforeEach(async () => {
  server = createServer((request, response) => {
    if (request.url === '/moved')
      return response.writeHead(302, { location: 'http://x.example/' }).end('moved')
    if (request.url === '/silent') return
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => response.end(`${request.method} ${Buffer.concat(chunks).toString()}`))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const open = (timeoutMs = 5_000) => guardedFetch(parseAllowance('loopback', false), timeoutMs)

describe('fetch for channels', () => {
  test('takes what the web’s fetch takes: texts, forms, requests', async () => {
    const fetch = open()
    expect(await (await fetch(`${url}/`, { method: 'POST', body: 'hey' })).text()).toBe('POST hey')
    const form = new FormData()
    form.append('file', new Blob(['content']), 'name.txt')
    const body = await (await fetch(`${url}/`, { method: 'POST', body: form })).text()
    expect(body).toContain('filename="name.txt"')
    expect(await (await fetch(new Request(`${url}/`, { method: 'PUT', body: 'hey' }))).text()).toBe('PUT hey')
  })

  test('answers a redirect as it is', async () => {
    const response = await open()(`${url}/moved`, { redirect: 'follow' })
    expect([response.status, response.headers.get('location')]).toEqual([302, 'http://x.example/'])
  })

  test.each(['data:text/plain,x', 'file:///etc/passwd', 'http://10.0.0.1/', 'http://user:pass@x.example/'])(
    'refuses %s',
    async (target) => {
      await expect(open()(target)).rejects.toMatchObject({ code: 'ERR_TARGET_FORBIDDEN' })
    },
  )

  test('refuses a forbidden address at the time of the connection too', async () => {
    const fetch = guardedFetch(parseAllowance('none', false), 5_000)
    await expect(fetch(`http://localhost.:1/`)).rejects.toThrow(/not a public address/)
    await expect(fetch(url)).rejects.toMatchObject({ code: 'ERR_TARGET_FORBIDDEN' })
  })

  test('does not wait for ever, and can be aborted', async () => {
    await expect(open(50)(`${url}/silent`)).rejects.toMatchObject({
      cause: { code: 'UND_ERR_HEADERS_TIMEOUT' },
    })
    await expect(open()(`${url}/silent`, { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
  })
})
