import { type AddressInfo, createServer, type Socket } from 'node:net'
import fc from 'fast-check'
import { Pool } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { parseAllowance } from './guard.js'
import { guardedConnect } from './guarded-connect.js'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'
const HINTS = 'HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A pool of connections to a receiver that answers each request with these pieces. */
async function receiving(answer: (socket: Socket) => Promise<void> | void) {
  let requests = 0
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      if (!chunk.includes('{}')) return
      requests += 1
      void answer(socket)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const connect = guardedConnect(parseAllowance('loopback', false))
  const pool = new Pool(`http://127.0.0.1:${port}`, { connect, connections: 1 })
  closing.push(
    () => server.close(),
    () => pool.destroy(),
  )
  const post = async (): Promise<[number, string]> => {
    const { statusCode, body } = await pool.request({ method: 'POST', path: '/', body: '{}' })
    return [statusCode, await body.text()]
  }
  return { post, requests: () => requests, connections: () => connections }
}

const inPieces = (...pieces: string[]) => {
  return async (socket: Socket): Promise<void> => {
    socket.setNoDelay(true)
    for (const piece of pieces) {
      socket.write(piece)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

describe('a receiver that sends interim answers unasked', () => {
  test.each([
    ['100 Continue', [CONTINUE + OK]],
    ['100 Continue before the answer is known', [CONTINUE, OK]],
    ['103 Early Hints', [HINTS + OK]],
    ['several', [`${HINTS}HTTP/1.1 102 Processing\r\n\r\n${CONTINUE}`, CONTINUE + OK]],
    [
      'one in pieces',
      ['HTT', 'P/1.1 10', '0 Continue\r\n', '\r', '\nHTTP/1.1 2', OK.slice('HTTP/1.1 2'.length)],
    ],
  ])('is asked once: %s', async (_, pieces) => {
    const { post, requests, connections } = await receiving(inPieces(...pieces))
    expect(await post()).toEqual([200, 'ok'])
    expect(await post()).toEqual([200, 'ok'])
    expect([requests(), connections()]).toEqual([2, 1])
  })

  test('may cut its answers anywhere', async () => {
    const whole = CONTINUE + HINTS + OK
    let cuts: number[] = []
    const { post } = await receiving((socket) => {
      const at = [0, ...cuts, whole.length]
      return inPieces(...at.slice(1).map((end, i) => whole.slice(at[i], end)))(socket)
    })
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: whole.length - 1 })), async (ends) => {
        cuts = ends.sort((a, b) => a - b)
        expect(await post()).toEqual([200, 'ok'])
      }),
    )
  })

  test('gets no more patience than any other: endless ones break the connection', async () => {
    const { post } = await receiving((socket) => void socket.write(HINTS.repeat(5000) + CONTINUE))
    await expect(post()).rejects.toThrow()
  })
})

test('an answer whose body looks like an interim one is passed on', async () => {
  const body = `${CONTINUE}${CONTINUE}`
  const head = `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`
  const { post } = await receiving(inPieces(head, body))
  expect(await post()).toEqual([200, body])
})
