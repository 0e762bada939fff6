import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../support/api.js'
import { callWithKey } from '../support/operators.js'
import { cleanUp, isSoak } from '../support/server.js'
import { documentedOperations, type GeneratedRequest, requestsOf } from './support/operations.js'
import { type Stage, startStage } from './support/stage.js'
import { targetsOf } from './support/target.js'

/** Of all operations together. */
const REQUESTS = isSoak ? 10_000 : 600
/** Share of the operations that take at least one of their requests. Three of each in CI do not say it exactly. */
const TAKEN = isSoak ? 0.6 : 0.45
const LONGEST_MS = 500
/** What is not here is left out by the wire contract. */
const NOT_IMPLEMENTED = 501

let stage: Stage

beforeAll(async () => {
  stage = await startStage({ RATE_LIMIT: '0', GUEST_RATE_LIMIT: '0' })
}, 60_000)
afterAll(async () => {
  await stage.close()
  await cleanUp()
})

test('no request that the documents allow, or nearly allow, makes the server fail or wait, or goes unrecorded', async () => {
  const operations = await documentedOperations(stage.server)
  const targetOf = targetsOf(stage)
  const runs = Math.ceil(REQUESTS / operations.length)
  const slowest = { ms: 0, request: '' }
  const taken = new Set<string>()
  const faults: string[] = []
  /** Changes that were made over the admin API, by the id of their request. */
  const changes = new Map<string, string>()
  let sent = 0
  for (const operation of operations) {
    const name = `${operation.method} ${operation.path}`
    const { known, callers } = await targetOf(operation.method, operation.path)
    const requests = requestsOf(operation, known).map(withoutWaiting)
    const property = fc.asyncProperty(requests, fc.constantFrom(...callers), async (request, headers) => {
      sent += 1
      const id = `generated-${sent}`
      const { status, ms } = await send(request, { ...headers, 'x-request-id': id })
      if (status < 300) taken.add(name)
      if (status < 300 && operation.audit !== undefined) changes.set(id, operation.audit)
      if (ms > slowest.ms) Object.assign(slowest, { ms, request: `${request.method} ${request.path}` })
      expect(status < 500 || status === NOT_IMPLEMENTED, `status ${status}`).toBe(true)
      // A request that is slow for what is in it is slow each time.
      const times = [ms]
      while (Math.min(...times) > LONGEST_MS && times.length < 3)
        times.push((await send(request, headers)).ms)
      expect(Math.min(...times)).toBeLessThan(LONGEST_MS)
    })
    const details = await fc.check(property, { numRuns: runs })
    if (details.failed) faults.push(fc.defaultReportMessage(details) ?? name)
  }
  console.log(
    `${sent} requests, taken by ${taken.size} of ${operations.length} operations; the slowest took ${slowest.ms.toFixed(0)} ms: ${slowest.request.slice(0, 200)}`,
  )
  expect(faults).toEqual([])
  // Else most of them would have been refused before they got anywhere.
  expect(taken.size / operations.length).toBeGreaterThan(TAKEN)
  expect(sent).toBeGreaterThanOrEqual(REQUESTS)
  expect((await call(stage.server, 'GET', '/readyz')).status).toBe(200)
  expect(changes.size).toBeGreaterThan(10)
  const recorded = await auditLog()
  for (const [id, action] of changes) expect(recorded.get(id), id).toBe(action)
}, 900_000)

/** The actions in the audit log that were done, by the id of their request. */
async function auditLog(): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (let cursor = ''; ; ) {
    const { json } = await callWithKey(stage.server, 'GET', `/audit?limit=200${cursor}`)
    for (const { requestId, action, outcome } of json.items)
      if (outcome === 'done') found.set(requestId, action)
    if (json.next === undefined) return found
    cursor = `&cursor=${json.next}`
  }
}

/** Whoever collects replies or follows events waits for as long as is asked for. */
function withoutWaiting(request: GeneratedRequest): GeneratedRequest {
  const { path, body } = request
  const [, route, query = ''] = /^([^?]*\/events)(?:\?(.*))?$/.exec(path) ?? []
  if (route !== undefined) {
    const others = query.split('&').filter((pair) => pair !== '' && !pair.startsWith('wait='))
    return { ...request, path: `${route}?${[...others, 'wait=0'].join('&')}` }
  }
  return path.endsWith('/collect') && body?.startsWith('{"')
    ? { ...request, body: body.replace('{', '{"timeout":1,').replace(/,"timeout":[^,}]*/, '') }
    : request
}

async function send(
  { method, path, body }: GeneratedRequest,
  headers: Record<string, string>,
): Promise<{ status: number; ms: number }> {
  const startedAt = performance.now()
  const { status } = await call(stage.server, method, path, { headers, ...(body !== undefined && { body }) })
  return { status, ms: performance.now() - startedAt }
}
