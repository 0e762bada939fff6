/**
 * A tenant beside the one that attacks: posts and lists in turn at a fixed rate, in a separate process, so that the
 * work of an attack is no part of what it measures. A request counts from when it was due, so that one that had to wait
 * for its start is not reported as fast.
 *
 * It gets `{ url, headers, conversationId, perSecond }` as its argument, `"report"` over IPC for each window, and sends
 * `{ count, p50, p99, max, threadP99, failures }`, in milliseconds. `threadP99` is of requests that need no store.
 */
import { Agent, request } from 'node:http'

const { url, headers, conversationId, perSecond } = JSON.parse(process.argv[2])
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const body = JSON.stringify({ conversationId, payload: { type: 'text', text: 'hello' } })

/** Of the thread, which cost little. */
const LOOKS_PER_SECOND = 25

let latencies = []
let threadLatencies = []
let failures = []

function send(method, path, expected, times = latencies) {
  const due = performance.now()
  const started = request(`${url}${path}`, { method, agent, headers, timeout: 60_000 }, (response) => {
    response.resume()
    response.on('end', () => {
      times.push(performance.now() - due)
      if (response.statusCode !== expected) failures.push(`${method} ${response.statusCode}`)
    })
  })
  started.on('timeout', () => started.destroy(new Error('no answer within a minute')))
  started.on('error', (error) => failures.push(`${method} ${error.message}`))
  if (method === 'POST') started.setHeader('content-type', 'application/json')
  started.end(method === 'POST' ? body : undefined)
}

let turns = 0
let looks = 0
const startedAt = performance.now()
setInterval(() => {
  // As many as are due, so that a late timer lets no request out.
  const due = ((performance.now() - startedAt) / 1000) * perSecond
  for (; looks < ((performance.now() - startedAt) / 1000) * LOOKS_PER_SECOND; looks += 1) {
    send('GET', '/status', 200, threadLatencies)
  }
  for (; turns < due; turns += 1) {
    if (turns % 2 === 0) send('POST', '/api/v1/messages', 201)
    else send('GET', `/api/v1/messages/conversation/${conversationId}?limit=20`, 200)
  }
}, 5)

const sorted = (times) => times.toSorted((a, b) => a - b)
const at = (times, share) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0

process.on('message', () => {
  const [all, thread] = [sorted(latencies), sorted(threadLatencies)]
  process.send?.({
    ...{ count: all.length, p50: at(all, 0.5), p99: at(all, 0.99), max: all.at(-1) ?? 0 },
    ...{ threadP99: at(thread, 0.99), failures },
  })
  latencies = []
  threadLatencies = []
  failures = []
})
process.on('disconnect', () => process.exit())
