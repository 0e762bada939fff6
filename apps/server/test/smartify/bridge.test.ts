import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startReceiver } from '../support/receiver.js'
import { cleanUp, isSoak, startServer, type TestServer, temporaryFolder } from '../support/server.js'
import { createProject, type Project } from '../support/smartify.js'

const BRIDGE = fileURLToPath(new URL('../../../../examples/smartify-bridge/dist/main.js', import.meta.url))

const PEOPLE = isSoak ? 10 : 5
const EACH = isSoak ? 10 : 8

let server: TestServer
let project: Project
let bridge: ChildProcess | undefined

beforeAll(async () => {
  server = await startServer({ env: { WEBHOOK_RETRY_DELAYS: Array(100).fill('200ms').join(',') } })
  project = await createProject(server)
})
afterAll(async () => {
  bridge?.kill('SIGKILL')
  await cleanUp()
})

/** A port that is free now. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

const again = () => new Promise((resolve) => setTimeout(resolve, 50))

test('the bridge of the examples loses none of many messages, and is killed in the middle twice', async () => {
  const network = await startReceiver()
  const [port, folder] = [await freePort(), await temporaryFolder()]
  const startBridge = async () => {
    const child = spawn(process.execPath, [BRIDGE], {
      env: {
        ...{ PORT: String(port), SMARTIFY_URL: `${server.url}/api`, PROJECT_ID: project.id },
        ...{ EMAIL: project.owner.email, PASSWORD: project.owner.password, NETWORK_URL: network.url },
        STATE_FILE: join(folder, 'people.jsonl'),
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    bridge = child
    await once(createInterface(child.stdout), 'line')
  }
  const killBridge = async () => {
    const child = bridge as ChildProcess
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  /** Like the network: retries until a success. */
  const incoming = async (address: string, text: string): Promise<void> => {
    for (;;) {
      const response = await fetch(`http://127.0.0.1:${port}/incoming`, {
        method: 'POST',
        body: JSON.stringify({ id: `${address} ${text}`, address, name: 'Sam', text }),
      }).catch(() => undefined)
      if (response?.ok) return
      await again()
    }
  }
  /** By who wrote first in them, since no two people say the same. */
  const requestOf = async (address: string): Promise<string> => {
    const { json } = await project.call('GET', `/requests?full_text=${address}&limit=100`, project.owner)
    const own = json.requests.find((each: { first_text: string }) => each.first_text === `${address} says 0`)
    return own.request_id
  }
  const talk = async (address: string): Promise<void> => {
    await incoming(address, `${address} says 0`)
    const requestId = await requestOf(address)
    const says = async () => {
      for (let i = 1; i < EACH; i += 1) await incoming(address, `${address} says ${i}`)
    }
    const hears = async () => {
      for (let i = 0; i < EACH; i += 1) {
        const { status } = await project.say(requestId, `${address} hears ${i}`, project.owner)
        expect(status).toBe(200)
        await again()
      }
    }
    await Promise.all([says(), hears()])
  }

  await startBridge()
  const addresses = Array.from({ length: PEOPLE }, (_, i) => `sam${i}x`)
  const talks = addresses.map(talk)
  for (let i = 0; i < 2; i += 1) {
    const before = network.requests.length
    await network.until(({ length }) => length >= before + PEOPLE, 60_000)
    await killBridge()
    await new Promise((resolve) => setTimeout(resolve, 300))
    await startBridge()
  }
  await Promise.all(talks)

  const heard = () => {
    const messages = network.requests.map(
      ({ text }) => JSON.parse(text) as { id: string; address: string; text: string },
    )
    return [...new Map(messages.map((message) => [message.id, message])).values()]
  }
  await network.until(() => heard().length >= PEOPLE * EACH, 60_000)
  for (const address of addresses) {
    const replies = heard().filter((message) => message.address === address)
    expect(replies.map(({ text }) => text)).toEqual(
      Array.from({ length: EACH }, (_, i) => `${address} hears ${i}`),
    )
    const path = `/requests/${await requestOf(address)}/messages`
    const { json } = await project.call('GET', path, project.owner)
    const said = (json as { text: string; sender: string }[]).filter(
      ({ sender }) => sender !== project.owner.id,
    )
    expect(said.map(({ text }) => text)).toEqual(
      Array.from({ length: EACH }, (_, i) => `${address} says ${i}`),
    )
  }
  const { json: all } = await project.call('GET', '/requests?limit=100', project.owner)
  expect(all.count).toBe(PEOPLE)
  // Only what was under way when the bridge was killed comes again.
  expect(network.requests.length).toBeLessThan(PEOPLE * EACH + 2 * PEOPLE + 1)
  await killBridge()
  await network.close()
})
