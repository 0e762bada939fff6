import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { LiveEvent, LivePage } from '@plugboard/hub'
import { fastify } from 'fastify'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { EventStreams } from './event-streams.js'
import { printedEvent } from './printed-event.js'

describe('a reader that takes nothing', () => {
  test('stops what is read for it, and is cut', async () => {
    const scene = await serve({ pages: pagesOf(400, 'x'.repeat(200_000)), stalledMs: 500 })
    const socket = await scene.ask()
    socket.pause()
    await vi.waitFor(() => expect(scene.closed).toHaveBeenCalledOnce(), { timeout: 10_000 })
    // 80 MB in all: what is on the way is in buffers of the system.
    expect(scene.taken()).toBeLessThan(100)
    expect(scene.streams.size).toBe(0)
  })
})

test('a reader gets all of it, in order, however slowly it reads', async () => {
  const scene = await serve({ pages: pagesOf(60, 'x'.repeat(100_000)), stalledMs: 500 })
  const socket = await scene.ask()
  let ids: string[] = []
  let text = ''
  for await (const chunk of socket) {
    text += String(chunk)
    ids = [...ids, ...[...text.matchAll(/^id: (\d+)$/gm)].map(([, id = '']) => id)]
    text = text.slice(text.lastIndexOf('\nid: ') < 0 ? -20 : text.lastIndexOf('\nid: ') + 6)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  expect([...new Set(ids)]).toEqual(Array.from({ length: 60 }, (_, i) => String(i + 1)))
})

test('the text of an event has no line break within its data', () => {
  const { text } = printedEvent({ type: 'a', id: '1', data: '{\r\n"a":\n1}' })
  expect(text).toBe('id: 1\nevent: a\ndata: { "a": 1}\n\n')
})

test('a reader whose credentials are no longer good gets no further page', async () => {
  const scene = await serve({ pages: pagesOf(10, 'x'), mayContinue: (taken) => taken < 4 })
  const socket = await scene.ask()
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  expect([...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id)).toEqual(['1', '2', '3'])
})

test('a client that keeps connections sends nothing over that of a stream that ended', async () => {
  const scene = await serve({ pages: pagesOf(1, 'x') })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  const ask = async (path: string): Promise<string> => {
    const [response] = (await once(get(scene.url + path, { agent }), 'response')) as [IncomingMessage]
    return (await response.toArray()).join('')
  }
  for (let i = 0; i < 20; i += 1) {
    expect(await ask('/')).toMatch(/^retry: /)
    expect(await ask('/other')).toBe('other')
  }
})

/** Pages of one event each. */
async function* pagesOf(count: number, text: string): AsyncGenerator<LivePage, void, void> {
  for (let seq = 1; seq <= count; seq += 1) {
    const entry = { payload: text } as never
    yield { events: [{ entry, endpoints: [], position: String(seq) }], position: String(seq) }
  }
}

/** A server with one stream. */
async function serve({
  pages,
  stalledMs,
  mayContinue = () => true,
}: {
  pages: AsyncGenerator<LivePage, void, void>
  stalledMs?: number
  mayContinue?(taken: number): boolean
}) {
  let taken = 0
  const counted = (async function* () {
    for await (const page of pages) {
      taken += 1
      yield page
    }
  })()
  const streams = new EventStreams(stalledMs === undefined ? {} : { stalledMs })
  const closed = vi.fn()
  const app = fastify()
  onTestFinished(() => app.close())
  app.get('/', async (_, reply) => {
    const { value: first } = await counted.next()
    const print = (event: LiveEvent) =>
      'entry' in event
        ? printedEvent({ type: 'a', id: event.position, data: JSON.stringify(event.entry.payload) })
        : undefined
    const source = { pages: counted, first: first as LivePage, isFromNow: false, print, closed }
    streams.open(reply, { ...source, mayContinue: () => mayContinue(taken) })
  })
  app.get('/other', async () => 'other')
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return {
    ...{ streams, closed, taken: () => taken, url: `http://127.0.0.1:${port}` },
    async ask() {
      const socket = connect(port, '127.0.0.1')
      onTestFinished(() => void socket.destroy())
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
      return socket
    },
  }
}
