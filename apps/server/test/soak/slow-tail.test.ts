import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { call, createClient, type TestClient } from '../support/api.js'
import { readEvents } from '../support/event-reader.js'
import { forAll } from '../support/fault-load.js'
import { withKey } from '../support/operators.js'
import { ADMIN_KEY, cleanUp, startProcess, type TestServerProcess } from '../support/server.js'

/** Takes half a minute, since the system keeps megabytes for each reader before the server notices that none are read. */

afterAll(cleanUp)

const READERS = 10
const MEGABYTE = 1024 * 1024
const PATIENT = { timeout: 120_000, interval: 250 }

/** Watches, and reads the headers of the answer alone. */
async function watchAndStall(server: TestServerProcess): Promise<void> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.write(`GET /admin/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN_KEY}\r\n\r\n`)
  const [head] = await once(socket, 'data')
  expect(String(head)).toMatch(/^HTTP\/1\.1 200/)
  socket.pause()
}

async function residentBytes(server: TestServerProcess): Promise<number> {
  const { text } = await call(server, 'GET', '/metrics')
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1])
}

async function sayUntil(client: TestClient, conversationId: string, isOver: () => boolean): Promise<void> {
  await forAll(Array.from({ length: 16 }), async () => {
    while (!isOver()) await client.say(conversationId, '€'.repeat(250))
  })
}

test('readers of the live tail who take nothing are cut, and cost neither memory nor others', async () => {
  const server = await startProcess()
  const client = await createClient(server)
  const { conversationId } = await client.converse()
  // As many as one caller may have.
  for (let count = 0; count < READERS; count += 1) await watchAndStall(server)
  const watch = () => readEvents(`${server.url}/admin/v1/events`, withKey)
  expect((await watch()).response.status).toBe(429)
  const before = await residentBytes(server)
  let isOver = false
  const said = sayUntil(client, conversationId, () => isOver)
  try {
    await expect.poll(async () => (await watch()).response.status, PATIENT).toBe(200)
  } finally {
    isOver = true
    await said
  }
  expect((await residentBytes(server)) - before).toBeLessThan(150 * MEGABYTE)
}, 180_000)
