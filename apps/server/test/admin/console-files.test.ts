import { afterAll, describe, expect, test } from 'vitest'
import { call } from '../support/api.js'
import { createOperator } from '../support/operators.js'
import { cleanUp, sharedServer, startServer, type TestServer } from '../support/server.js'

const server = sharedServer()
afterAll(cleanUp)

const get = (path: string, at: Pick<TestServer, 'url'> = server) => call(at, 'GET', path)

describe('the console', () => {
  test.each(['/console/', '/console', '/console/clients/7?limit=5'])('is one page, at %s', async (path) => {
    const { status, headers, text } = await get(path)
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(text).toContain('src="/console/assets/console-')
  })

  test('cannot be framed, and runs nothing inline or of others', async () => {
    const { headers, text } = await get('/console/')
    const policy = headers.get('content-security-policy')?.split('; ')
    expect(policy).toEqual(
      expect.arrayContaining(["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"]),
    )
    expect(String(policy)).not.toMatch(/unsafe|https?:|\*/)
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(text).not.toMatch(/<style|style=|<script>|\son\w+=/)
  })

  test('has files that browsers keep, and none besides', async () => {
    const { text } = await get('/console/')
    const paths = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path)
    expect(paths.length).toBeGreaterThan(1)
    for (const path of paths) {
      const { status, headers } = await get(path)
      expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable'])
      expect(headers.get('content-security-policy') ?? '').not.toContain('unsafe')
    }
    for (const name of ['x.js', '..%2fpackage.json', '%2e%2e/package.json'])
      expect((await get(`/console/assets/${name}`)).text).not.toContain('"name"')
  })

  test('is below the path of the public address', async () => {
    const below = await startServer({ env: { EXTERNAL_URL: 'https://example.com/hub' } })
    expect((await get('/console/', below)).text).toContain('src="/hub/console/assets/console-')
    await below.stop()
  })

  test('is linked from the home page', async () => {
    const { text } = await call(server, 'GET', '/', { headers: { accept: 'text/html' } })
    expect(text).toContain('<a href="console/">')
  })
})

describe('on a public address', () => {
  const PUBLIC = { HOST: '0.0.0.0', RATE_LIMIT: '0' }
  const here = ({ url }: TestServer) => ({ url: url.replace('0.0.0.0', '127.0.0.1') })
  const state = async (at: { url: string }) => (await get('/admin/v1/sign-in', at)).json

  test('without an operator or a key the console is off and says so', async () => {
    const own = await startServer({ env: { ...PUBLIC, ADMIN_KEY: '' } })
    const at = here(own)
    const page = await get('/console/', at)
    expect(page.status).toBe(403)
    expect(page.text).toContain('The console is off')
    expect(page.text).toContain('plugboard operators create')
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(await state(at)).toMatchObject({ isOn: false, password: false, reason: expect.any(String) })
    const body = { email: 'ada@example.com', password: 'a long enough password' }
    expect((await call(at, 'POST', '/admin/v1/session', { body })).status).toBe(403)
    await own.stop()
  })

  test('with a key it is on, and with the first operator nothing is missing', async () => {
    const own = await startServer({ env: PUBLIC })
    const at = here(own)
    expect((await get('/console/', at)).status).toBe(200)
    expect(await state(at)).toMatchObject({ isOn: true, reason: expect.stringContaining('no operator yet') })
    await createOperator(at)
    expect(await state(at)).toEqual({ isOn: true, password: true })
    await own.stop()
  })
})
