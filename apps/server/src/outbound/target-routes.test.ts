import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { WebhookAddress } from '@plugboard/hub'
import { afterEach, describe, expect, test } from 'vitest'
import { parseAllowance } from './guard.js'
import { guardedConnect } from './guarded-connect.js'
import { TargetRoutes } from './target-routes.js'

const allowance = parseAllowance('loopback', false)
const server = createServer((_request, response) => setTimeout(() => response.end(), 50))
afterEach(() => void server.close())

describe('TargetRoutes', () => {
  test('gives each target a pool of its own, even on one host', () => {
    const routes = create()
    expect(routes.get(target('a'), 0)).toBe(routes.get(target('a'), 0))
    expect(routes.get(target('a'), 0).pool).not.toBe(routes.get(target('b'), 0).pool)
  })

  test('keeps the pool of a target whose headers or secret change', () => {
    const routes = create()
    const before = routes.get(target('a'), 0)
    const after = routes.get({ ...target('a'), headers: { 'X-Token': 'new' }, signingSecret: 'c2VjcmV0' }, 0)
    expect(after.pool).toBe(before.pool)
    expect(after.headers).toEqual([
      'content-type',
      'application/json',
      'user-agent',
      'Plugboard',
      'x-token',
      'new',
    ])
    expect(after.signingKey?.toString()).toBe('secret')
    expect(routes.size).toBe(1)
  })

  test('lets a target replace the headers that have a default', () => {
    const { headers } = create().get(
      { ...target('a'), headers: { 'User-Agent': 'Mine', 'Content-Type': 'a/b' } },
      0,
    )
    expect(headers).toEqual(['content-type', 'a/b', 'user-agent', 'Mine'])
  })

  test('closes the pool that was not used for longest when there are too many', () => {
    const routes = create({ maxPools: 2 })
    const [a, b] = [routes.get(target('a'), 1), routes.get(target('b'), 2)]
    routes.get(target('a'), 3)
    routes.get(target('c'), 4)
    expect(routes.size).toBe(2)
    expect([a.pool.closed, b.pool.closed]).toEqual([false, true])
  })

  test('closes pools that were not used for a while', () => {
    const routes = create({ idleMs: 100 })
    const [a, b] = [routes.get(target('a'), 0), routes.get(target('b'), 50)]
    routes.closeIdle(100)
    expect([a.pool.closed, b.pool.closed]).toEqual([true, false])
    expect(routes.get(target('a'), 100).pool.closed).toBe(false)
  })

  test('lets a request end whose pool gives way', async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const routes = create({ maxPools: 1 })
    const { pool, path } = routes.get({ ...target('a'), url: `http://127.0.0.1:${port}/` }, 0)
    const answer = pool.request({ method: 'POST', path, body: '{}' })
    routes.get(target('b'), 1)
    expect(pool.closed).toBe(true)
    expect((await answer).statusCode).toBe(200)
  })

  test.each(['http://10.0.0.1/', 'ftp://127.0.0.1/', 'no url'])('refuses %s', (url) => {
    expect(() => create().get({ ...target('a'), url }, 0)).toThrow(
      expect.objectContaining({ code: 'ERR_TARGET_FORBIDDEN' }),
    )
  })
})

function create(options: { maxPools?: number; idleMs?: number } = {}): TargetRoutes {
  return new TargetRoutes({
    allowance,
    connect: guardedConnect(allowance),
    maxPools: 10,
    idleMs: 60_000,
    ...options,
  })
}

function target(id: string): WebhookAddress {
  return { id, url: 'http://127.0.0.1:9/hook', headers: {} }
}
