// A process with a hub of its own, whose store is in the process that started it: see store-server.ts. It is told
// `{ tell: { clientId, event } }` and `{ stop: true }`, and says `{ told }` or `{ told, failed }` and `{ isReady: true }`.
import { defineChannel, PlugboardError, silentLogger } from '@plugboard/core'

const { createHub, Keyring } = await import(new URL('../../dist/index.js', import.meta.url).href)

/** Calls of the store without an answer, by number. */
const calls = new Map()
let count = 0

/** A function cannot be sent. The store asks for its result by the place that it has in the input of the call. */
function withoutFunctions(value, place, functions) {
  if (typeof value === 'function') {
    functions.set(place, value)
    return { 'function at': place }
  }
  if (Array.isArray(value)) return value.map((each, i) => withoutFunctions(each, `${place}.${i}`, functions))
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype)
    return value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, withoutFunctions(each, `${place}.${key}`, functions)]),
  )
}

function call(method, given) {
  count += 1
  const functions = new Map()
  const input = withoutFunctions(given, method, functions)
  return new Promise((resolve, reject) => {
    calls.set(count, { functions, given, resolve, reject })
    process.send({ call: count, method, input })
  })
}

function answered({ call: number, question, answer, failed, leaseUntil }) {
  const { functions, given, resolve, reject } = calls.get(number)
  if (question) {
    const result = functions.get(question.place)(...question.input)
    return process.send({ call: number, result })
  }
  calls.delete(number)
  if (failed) return reject(new PlugboardError(failed.code, failed.message))
  // A mark moves the end of the lease in the object of the caller.
  if (leaseUntil) given[1].until = leaseUntil
  resolve(answer)
}

const local = {
  watch: async () => ({ isInstant: false }),
  watchAppends: async () => false,
  close: async () => undefined,
}
const store = new Proxy(local, {
  get: (_, method) => local[method] ?? ((...input) => call(method, input)),
})

const channel = defineChannel({
  ...{ contract: 1, name: 'acme', version: '1.0.0', secrets: [] },
  config: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } },
  capabilities: { content: 'any', maxTextLength: 100, renames: ['sender', 'thread'] },
  load: async () => ({
    connect: () => undefined,
    verify: () => ({ ok: true }),
    parse: ({ body }) => ({
      events: [{ ...JSON.parse(Buffer.from(body).toString()), at: new Date() }],
      response: { status: 200 },
    }),
    render: (content) => [{ call: 'send', args: content }],
    deliver: async () => ({ providerMessageIds: [] }),
    classify: () => ({ kind: 'transient', message: 'no' }),
  }),
})

const nowhere = () => {
  throw new Error('this process calls nobody')
}
const hub = createHub({
  store,
  blobs: { list: async () => [], sweep: async () => undefined, close: async () => undefined },
  keyring: new Keyring(new Uint8Array(32).fill(7)),
  channels: [{ channel }],
  formats: [],
  fetch: nowhere,
  network: { fetch: nowhere, webSocket: nowhere },
  log: silentLogger,
  urls: { isPublic: true },
  now: () => new Date(),
  refuseTarget: () => undefined,
  sender: { start() {}, push() {}, renew() {}, cancel() {}, close: async () => undefined },
  observer: { delivered() {}, retried() {}, died() {} },
  settings: {
    delivery: {
      ...{ streams: 10, streamsPerClient: 10, pollMs: 50 },
      gate: { items: 10, bytes: 10_000, failures: 100, pauseMs: 10, maxPauseMs: 20 },
    },
    ...{ channelSchedule: { delaysMs: [1000] }, channelTimeoutMs: 5000, collectMaxMs: 1000 },
    ...{ provisionSchedule: { delaysMs: [10] }, probeTimeoutMs: 100, mediaLinkTtlMs: 60_000 },
    ...{ attachmentMaxBytes: 1000, listenerLostAfterMs: 15_000, cacheSize: 10, cacheAgeMs: 1 },
  },
})

async function tell({ clientId, event }) {
  const client = await hub.clients.find({ id: clientId })
  const body = Buffer.from(JSON.stringify(event))
  const request = { method: 'POST', publicUrl: 'https://hub.example', headers: {}, body }
  await hub.ingest.receive(client, 'acme', request)
}

process.on('message', async (message) => {
  if (message.call) return answered(message)
  if (message.stop) {
    await hub.stop(1000)
    return process.disconnect()
  }
  const { dedupeKey: told } = message.tell.event
  await tell(message.tell).then(
    () => process.send({ told }),
    (error) => process.send({ told, failed: error.stack }),
  )
})
// Whoever started this process is gone.
process.on('disconnect', () => process.exit())
hub.start()
process.send({ isReady: true })
