import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HostWebSocket } from '@plugboard/core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { parseAllowance } from './guard.js'
import type { Lookup } from './guarded-connect.js'
import { guardedWebSocket } from './guarded-web-socket.js'

/** The first socket loads the library. */
const SOON = { timeout: 5000 }

const closing: (() => unknown)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

describe('a WebSocket of a channel', () => {
  test('sends and receives texts, and says when it opens and closes', async () => {
    const { url, sockets } = await serve((socket) =>
      socket.on('message', (data) => socket.send(`echo ${data}`)),
    )
    const { socket, heard } = listen(open(url))
    await vi.waitFor(() => expect(heard).toEqual(['open']), SOON)
    socket.send('hello')
    await vi.waitFor(() => expect(heard).toEqual(['open', 'echo hello']), SOON)
    socket.close()
    await vi.waitFor(() => expect(heard).toEqual(['open', 'echo hello', 'close']), SOON)
    socket.send('too late')
    expect(sockets()).toHaveLength(1)
  })

  test('gives each side the code with which the other closes', async () => {
    const { url, sockets } = await serve((socket) => socket.on('message', () => socket.close(4004)))
    const codes: unknown[] = []
    const opened = open(url)
    opened.addEventListener('open', () => opened.send('close, please'))
    opened.addEventListener('close', ({ code }) => codes.push(code))
    await vi.waitFor(() => expect(codes).toEqual([4004]), SOON)
    const closed = new Promise((resolve) => {
      const other = open(url)
      other.addEventListener('open', () => {
        sockets().at(-1)?.on('close', resolve)
        other.close(4000)
      })
    })
    expect(await closed).toBe(4000)
  })

  test.each([
    'ws://10.0.0.1/',
    'wss://169.254.169.254/',
    'ws://localhost/',
    'ws://u:p@x.example/',
    'file:///etc',
  ])('is refused for %s', (url) => {
    expect(() => open(url, 'none')).toThrow(expect.objectContaining({ code: 'ERR_TARGET_FORBIDDEN' }))
  })

  test('is refused for a name that resolves to a forbidden address, without a connection', async () => {
    const { url, sockets } = await serve()
    const lookup: Lookup = (_, __, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }])
    const openNamed = guardedWebSocket({ allowance: parseAllowance('none', false), timeoutMs: 5000, lookup })
    const { heard } = listen(openNamed(url.replace('127.0.0.1', 'bot.example')))
    await vi.waitFor(() => expect(heard).toEqual(['error', 'close']), SOON)
    expect(sockets()).toEqual([])
  })

  test('follows no redirect', async () => {
    const { url, sockets } = await serve()
    const moved = createServer((_, response) => response.writeHead(302, { location: url }).end())
    await once(moved.listen(0, '127.0.0.1'), 'listening')
    closing.push(() => moved.close())
    const { heard } = listen(open(`ws://127.0.0.1:${(moved.address() as AddressInfo).port}/`))
    await vi.waitFor(() => expect(heard).toEqual(['error', 'close']), SOON)
    expect(sockets()).toEqual([])
  })

  test('is closed if a message is larger than it may be', async () => {
    const { url } = await serve((socket) => socket.send('x'.repeat(1_048_577)))
    const { heard } = listen(open(url))
    await vi.waitFor(() => expect(heard).toEqual(['open', 'error', 'close']), SOON)
  })

  test('is closed if the other side answers no ping, and stays open if it does', async () => {
    const silent = await serve(undefined, { autoPong: false })
    const well = await serve()
    const openSoon = guardedWebSocket({
      allowance: parseAllowance('loopback', false),
      timeoutMs: 5000,
      pingMs: 40,
    })
    const [lost, kept] = [listen(openSoon(silent.url)), listen(openSoon(well.url))]
    await vi.waitFor(() => expect(lost.heard).toEqual(['open', 'close']), SOON)
    expect(kept.heard).toEqual(['open'])
    kept.socket.close()
  })
})

const open = (url: string, allowed = 'loopback') =>
  guardedWebSocket({ allowance: parseAllowance(allowed, false), timeoutMs: 5000 })(url)

/** What a socket reports, in order. */
function listen(socket: HostWebSocket) {
  const heard: unknown[] = []
  for (const type of ['open', 'error', 'close'] as const)
    socket.addEventListener(type, () => heard.push(type))
  socket.addEventListener('message', ({ data }) => heard.push(data))
  closing.push(() => socket.close())
  return { socket, heard }
}

async function serve(connected?: (socket: WebSocket) => void, options: { autoPong?: boolean } = {}) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options })
  await once(server, 'listening')
  const sockets: WebSocket[] = []
  server.on('connection', (socket) => {
    sockets.push(socket)
    connected?.(socket)
  })
  closing.push(() => {
    for (const socket of sockets) socket.terminate()
    server.close()
  })
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, sockets: () => sockets }
}
