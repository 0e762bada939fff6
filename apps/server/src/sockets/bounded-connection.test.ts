import { EventEmitter, once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { Line, type LineOptions, MAX_WAITING } from './bounded-connection.js'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A connection over loopback. Its client reads on request only. */
async function open(options: Partial<LineOptions> = {}) {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause()
  const [raw] = (await once(server, 'connection')) as [Socket]
  for (const socket of [raw, client]) socket.on('error', () => undefined)
  ends.push(
    () => server.close(),
    () => client.destroy(),
    () => raw.destroy(),
  )
  const connection = Object.assign(new EventEmitter(), { close: () => raw.end() })
  const cuts: string[] = []
  const line = new Line(connection, {
    ...{ raw, mayCarry: () => true, slows: () => true, recovers: () => undefined },
    cut: (reason) => void cuts.push(reason),
    ...options,
  })
  return { line, raw, client, connection, cuts }
}

/** Writes until the client, which does not read, has so much before it that more has to wait. */
async function stall(raw: Socket): Promise<void> {
  while (raw.writableLength < 200_000) {
    raw.write(Buffer.alloc(65_536))
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('packets of more than a chat has end it, and signs of life count less', async () => {
  const { raw, connection, cuts } = await open()
  for (let i = 0; i < 300; i += 1) connection.emit('packet', { type: 'pong' })
  expect(cuts).toEqual([])
  for (let i = 0; i < 20; i += 1) connection.emit('packet', { type: 'message', data: '2[]' })
  expect(cuts).toEqual(['flood'])
  expect(raw.destroyed).toBe(true)
})

test('packets that its network may not send end it', async () => {
  const { connection, cuts } = await open({ mayCarry: (size) => size < 10 })
  connection.emit('packet', { type: 'message', data: '2["a"]' })
  connection.emit('packet', { type: 'pong', data: 'much that is no message' })
  expect(cuts).toEqual([])
  connection.emit('packet', { type: 'message', data: '2["longer"]' })
  expect(cuts).toEqual(['flood'])
})

test('bytes beneath packets, such as pings, end it', async () => {
  const { line, raw, client, cuts } = await open()
  raw.resume()
  client.write(Buffer.alloc(8_000_000))
  await once(client, 'drain')
  await expect.poll(() => raw.bytesRead).toBe(8_000_000)
  line.look(5, 1_000_000)
  expect(cuts).toEqual(['flood'])
})

test('what waits for a client that does not read is bounded, and one that reads again has room', async () => {
  const slow: string[] = []
  const { line, raw, client, cuts } = await open({
    slows: () => slow.push('slow') > 0,
    recovers: () => void slow.push('recovered'),
  })
  expect(line.mayWait(MAX_WAITING)).toBe(true)
  await stall(raw)
  expect(line.mayWait(100_000)).toBe(true)
  expect(line.mayWait(MAX_WAITING)).toBe(false)
  line.look(5, 100_000)
  expect(cuts).toEqual(['slow'])
  const other = await open({
    slows: () => slow.push('slow') > 0,
    recovers: () => void slow.push('recovered'),
  })
  await stall(other.raw)
  expect(other.line.mayWait(1)).toBe(true)
  other.client.resume()
  await other.line.drained()
  expect(other.line.mayWait(MAX_WAITING)).toBe(true)
  expect(slow).toEqual(['slow', 'slow', 'recovered'])
  client.resume()
})

test('nothing waits where enough others are slow', async () => {
  const { line, raw } = await open({ slows: () => false })
  expect(line.mayWait(1)).toBe(true)
  await stall(raw)
  expect(line.mayWait(1)).toBe(false)
})
