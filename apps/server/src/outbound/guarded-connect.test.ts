import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { type Allowance, parseAllowance } from './guard.js'
import { guardedConnect, type Lookup } from './guarded-connect.js'

const loopback = parseAllowance('loopback', false)
const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

describe('guardedConnect', () => {
  test('connects to a permitted literal and to a name with permitted addresses', async () => {
    const { port } = await serve('127.0.0.1')
    expect(await call(`http://127.0.0.1:${port}`, loopback)).toBe('127.0.0.1')
    expect(await call(`http://bot.example:${port}`, loopback, answering(['127.0.0.1']))).toBe('127.0.0.1')
  })

  test.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433'])(
    'refuses the literal %s, about which Node asks no lookup function',
    async (host) => {
      const { port, connections } = await serve('127.0.0.1')
      const outcome = call(`http://${host}:${port}`, parseAllowance('none', false))
      await expect(outcome).rejects.toMatchObject({ code: 'ERR_TARGET_FORBIDDEN' })
      expect(connections()).toBe(0)
    },
  )

  test('refuses a name of which one address among several is forbidden', async () => {
    const { port, connections } = await serve('127.0.0.1')
    for (const addresses of [
      ['127.0.0.1', '10.0.0.1'],
      ['10.0.0.1', '127.0.0.1'],
      ['127.0.0.1', 'fe80::1'],
      ['127.0.0.1', '::ffff:169.254.169.254'],
    ]) {
      const outcome = call(`http://bot.example:${port}`, loopback, answering(addresses))
      await expect(outcome).rejects.toMatchObject({ code: 'ERR_TARGET_FORBIDDEN' })
    }
    expect(connections()).toBe(0)
  })

  test('connects to the address it checked, though the name changes from one answer to the next', async () => {
    const open = await serve('127.0.0.1')
    const secret = await serve('127.0.0.2', open.port)
    const onlyOpen = parseAllowance('127.0.0.1', false)
    const lookup = answering(['127.0.0.1'], ['127.0.0.2'], ['127.0.0.1'], ['127.0.0.2'])
    const url = `http://rebinding.example:${open.port}`

    expect(await call(url, onlyOpen, lookup)).toBe('127.0.0.1')
    expect(lookup.calls()).toBe(1)
    await expect(call(url, onlyOpen, lookup)).rejects.toMatchObject({ code: 'ERR_TARGET_FORBIDDEN' })
    expect(lookup.calls()).toBe(2)
    expect(await call(url, onlyOpen, lookup)).toBe('127.0.0.1')
    expect([open.connections(), secret.connections()]).toEqual([2, 0])
  })

  test('tries the next address of a name when one does not answer', async () => {
    const { port } = await serve('127.0.0.1')
    const lookup = answering(['127.0.0.3', '127.0.0.1'])
    expect(await call(`http://bot.example:${port}`, loopback, lookup)).toBe('127.0.0.1')
  })

  test('passes on that a name does not exist or has no address', async () => {
    const unknown: Lookup = (_name, _options, callback) =>
      process.nextTick(callback, Object.assign(new Error('unknown'), { code: 'ENOTFOUND' }), [])
    await expect(call('http://a.example', loopback, unknown)).rejects.toMatchObject({ code: 'ENOTFOUND' })
    await expect(call('http://a.example', loopback, answering([]))).rejects.toMatchObject({
      code: 'ENOTFOUND',
    })
  })

  test('asks once for a name that several connections want at the same time', async () => {
    const { port } = await serve('127.0.0.1')
    const lookup = answering(['127.0.0.1'])
    const connect = guardedConnect(loopback, { lookup })
    const urls = Array.from({ length: 5 }, () => `http://bot.example:${port}`)
    expect(new Set(await Promise.all(urls.map((url) => get(url, connect))))).toEqual(new Set(['127.0.0.1']))
    expect(lookup.calls()).toBe(1)
  })
})

/** A server that answers with its own address. */
async function serve(host: string, port = 0) {
  let connections = 0
  const server: Server = createServer((_request, response) => response.end(host))
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  closing.push(() => server.close())
  return { port: (server.address() as AddressInfo).port, connections: () => connections }
}

/** A resolver that gives the first list at the first call, the second at the second, and repeats the last. */
function answering(...lists: string[][]): Lookup & { calls(): number } {
  let calls = 0
  const lookup: Lookup = (_name, _options, callback) => {
    const list = lists[Math.min(calls++, lists.length - 1)] ?? []
    const addresses = list.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    setImmediate(callback, null, addresses)
  }
  return Object.assign(lookup, { calls: () => calls })
}

function call(url: string, allowance: Allowance, lookup?: Lookup): Promise<string> {
  return get(url, guardedConnect(allowance, lookup === undefined ? {} : { lookup }))
}

async function get(url: string, connect: ReturnType<typeof guardedConnect>): Promise<string> {
  const client = new Client(url, { connect })
  closing.push(() => client.destroy())
  const { body } = await client.request({ method: 'GET', path: '/' })
  const text = await body.text()
  await client.close()
  return text
}
