import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../support/api.js'
import { cleanUp, isSoak } from '../support/server.js'
import { documentedOperations, type GeneratedRequest, requestsOf } from './support/operations.js'
import { type Stage, startStage } from './support/stage.js'
import { newTarget } from './support/target.js'

/** Of all operations together. */
const REQUESTS = isSoak ? 10_000 : 1_000
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

test('no request that the documents allow, or nearly allow, makes the server fail or wait', async () => {
  const operations = await documentedOperations(stage.server)
  const runs = Math.ceil(REQUESTS / operations.length)
  const slowest = { ms: 0, request: '' }
  const taken = new Set<string>()
  const faults: string[] = []
  let sent = 0
  for (const operation of operations) {
    const name = `${operation.method} ${operation.path}`
    const { known, callers } = await newTarget(stage, operation.path)
    const requests = requestsOf(operation, known).map(withoutWaiting)
    const property = fc.asyncProperty(requests, fc.constantFrom(...callers), async (request, headers) => {
      sent += 1
      const { status, ms } = await send(request, headers)
      if (status < 300) taken.add(name)
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
    `${sent} requests; the slowest took ${slowest.ms.toFixed(0)} ms: ${slowest.request.slice(0, 200)}`,
  )
  expect(faults).toEqual([])
  // Else most of them would have been refused before they got anywhere.
  expect(taken.size / operations.length).toBeGreaterThan(0.6)
  expect(sent).toBeGreaterThanOrEqual(REQUESTS)
  expect((await call(stage.server, 'GET', '/readyz')).status).toBe(200)
}, 900_000)

/** Whoever collects replies waits for as long as is asked for. */
function withoutWaiting(request: GeneratedRequest): GeneratedRequest {
  const { path, body } = request
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
