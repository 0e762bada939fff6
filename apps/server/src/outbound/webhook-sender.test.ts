import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import {
  type AttemptReport,
  type DeliveryFailure,
  monotonicMs,
  type WebhookAddress,
  type WebhookItem,
  type WebhookSender,
} from '@plugboard/hub'
import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { parseAllowance } from './guard.js'
import { createWebhookSender, type WebhookSenderOptions } from './webhook-sender.js'

/** A thread runs compiled code, whatever the tests run from. */
const workerUrl = new URL('../../dist/outbound/sender.worker.js', import.meta.url)
const secret = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

const forever = Number.POSITIVE_INFINITY

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

describe('a lane', () => {
  test('delivers in order, one request after another', async () => {
    const bot = await receiver((_request, response) => setTimeout(() => response.end(), 1))
    const { sender, log } = start()
    sender.push(1, 1, bot.target(), items(1, 60), forever)
    sender.push(1, 1, bot.target(), items(61, 100), forever)
    await until(() => log.delivered.get(1) === 100)
    expect(bot.ids()).toEqual(ids(1, 100))
    expect(bot.mostAtOnce()).toBe(1)
    expect(log.failed).toEqual([])
  })

  test('stops at a failure, ignores the old generation and goes on with a higher one', async () => {
    const bot = await receiver((request, response) => answer(response, request.id === 'msg_3' ? 500 : 200))
    const { sender, log } = start()
    sender.push(1, 1, bot.target(), items(1, 5), forever)
    await until(() => log.failed.length === 1)
    sender.push(1, 1, bot.target(), items(6, 7), forever)
    sender.push(1, 2, bot.target(), items(8, 9), forever)
    await until(() => log.delivered.get(1) === 9)
    expect(bot.ids()).toEqual(['msg_1', 'msg_2', 'msg_3', 'msg_8', 'msg_9'])
    expect(log.failed).toEqual([
      { lane: 1, generation: 1, seq: 3, status: 500, message: 'answered 500', kind: 'transient' },
    ])
  })

  test('forgets what is queued when cancelled, and reports the request in flight', async () => {
    const bot = await receiver((_request, response) => setTimeout(() => response.end(), 50))
    const { sender, log } = start()
    sender.push(1, 1, bot.target(), items(1, 3), forever)
    await until(() => bot.ids().length === 1)
    sender.cancel(1, 1)
    sender.push(1, 1, bot.target(), items(4, 4), forever)
    await until(() => log.delivered.get(1) === 4)
    expect(bot.ids()).toEqual(['msg_1', 'msg_4'])
    expect(log.cancelled).toEqual([[1, 1]])
  })

  test('that has nothing under way confirms a cancel all the same', async () => {
    const { sender, log } = start()
    sender.cancel(7, 3)
    await until(() => log.cancelled.length === 1)
    expect(log.cancelled).toEqual([[7, 3]])
  })
})

describe('an attempt', () => {
  test('is reported with its start, its duration, the status and the start of an answer that is no 2xx', async () => {
    const before = Date.now()
    const bot = await receiver((request, response) =>
      setTimeout(() => {
        if (request.id === 'msg_2') response.writeHead(422).end(`no such user ${'!'.repeat(5000)}`)
        else answer(response, 202)
      }, 20),
    )
    const { sender, log } = start()
    sender.push(1, 1, bot.target(), items(1, 3), forever)
    await until(() => log.failed.length === 1)
    const [taken, refused] = log.attempts
    expect(log.attempts).toHaveLength(2)
    expect(taken).toEqual({
      lane: 1,
      seq: 1,
      startedAt: expect.any(Number),
      durationMs: expect.any(Number),
      status: 202,
    })
    expect(taken?.startedAt).toBeGreaterThanOrEqual(before)
    expect(taken?.durationMs).toBeGreaterThanOrEqual(15)
    expect(refused).toMatchObject({ lane: 1, seq: 2, status: 422, failure: { message: 'answered 422' } })
    expect(refused?.response).toBe(`no such user ${'!'.repeat(1024 - 13)}`)
  })

  test('that gets no answer is reported without a status', async () => {
    const bot = await receiver((request) => request.socket.destroy())
    const { sender, log } = start()
    sender.push(1, 1, bot.target(), items(1, 1), forever)
    await until(() => log.failed.length === 1)
    expect(log.attempts).toEqual([
      {
        ...{ lane: 1, seq: 1, startedAt: expect.any(Number), durationMs: expect.any(Number) },
        failure: expect.objectContaining({ kind: 'ambiguous' }),
      },
    ])
  })
})

describe('the lease of a lane', () => {
  /** A sender whose thread runs, and a bot whose answers wait for the test. */
  async function holding(options: Partial<WebhookSenderOptions>) {
    const warm = await receiver((_request, response) => response.end())
    const answers: (() => void)[] = []
    const bot = await receiver((_request, response) => void answers.push(() => response.end()))
    const { sender, log } = start(options)
    sender.push(0, 1, warm.target(), items(1, 1), forever)
    await until(() => log.delivered.get(0) === 1)
    return { sender, log, bot, answers }
  }

  test('ends what is queued: nothing starts whose timeout ends after it, until a new generation comes', async () => {
    const { sender, log, bot, answers } = await holding({ timeoutMs: 5_000 })
    const leaseEndsAt = monotonicMs() + 6_000
    sender.push(1, 1, bot.target(), items(1, 3), leaseEndsAt)
    await until(() => answers.length === 1)
    await until(() => monotonicMs() + 5_000 > leaseEndsAt)
    answers.shift()?.()
    await until(() => log.expired.length === 1)
    sender.push(1, 1, bot.target(), items(4, 4), forever)
    sender.push(1, 2, bot.target(), items(2, 2), forever)
    await until(() => answers.length === 1)
    answers.shift()?.()
    await until(() => log.delivered.get(1) === 2)
    expect(bot.ids()).toEqual(['msg_1', 'msg_2'])
    expect(log.expired).toEqual([[1, 1]])
  })

  test('goes on when it is renewed', async () => {
    const { sender, log, bot, answers } = await holding({ timeoutMs: 5_000 })
    const leaseEndsAt = monotonicMs() + 6_000
    sender.push(1, 1, bot.target(), items(1, 2), leaseEndsAt)
    await until(() => answers.length === 1)
    sender.renew(1, leaseEndsAt + 60_000)
    await until(() => monotonicMs() + 5_000 > leaseEndsAt)
    answers.shift()?.()
    await until(() => answers.length === 1)
    answers.shift()?.()
    await until(() => log.delivered.get(1) === 2)
    expect(log.expired).toEqual([])
  })

  test('holds for targets with a timeout of their own, up to the longest that is allowed', async () => {
    const bot = await receiver((_request, response) => response.end())
    const { sender, log } = start({ timeoutMs: 1_000, maxTimeoutMs: 10_000 })
    const patient = (id: string, timeoutMs: number) => ({ ...bot.target(), id, timeoutMs })
    sender.push(1, 1, patient('a', 9_000), items(1, 1), monotonicMs() + 5_000)
    sender.push(2, 1, patient('b', 60_000), items(1, 1), monotonicMs() + 15_000)
    await until(() => log.expired.length === 1 && log.delivered.get(2) === 1)
    expect(log.expired).toEqual([[1, 1]])
  })
})

describe('a target', () => {
  test('that hangs delays no other', async () => {
    const hanging = await receiver(() => {})
    const bot = await receiver((_request, response) => response.end())
    const { sender, log } = start({ timeoutMs: 20_000 })
    for (let lane = 100; lane < 300; lane++) sender.push(lane, 1, hanging.target(), items(1, 5), forever)
    for (let lane = 1; lane <= 10; lane++) sender.push(lane, 1, bot.target(), items(1, 20), forever)
    await until(() => [...log.delivered.values()].filter((seq) => seq === 20).length === 10)
    expect(hanging.ids().length).toBe(32)
  })

  test('gets no more requests at once than the limit, and all of its lanes get their turn', async () => {
    const bot = await receiver((_request, response) => setTimeout(() => response.end(), 5))
    const { sender, log } = start({ perTargetConcurrency: 4 })
    for (let lane = 1; lane <= 12; lane++)
      sender.push(lane, 1, bot.target(), items(lane * 100, lane * 100 + 4), forever)
    await until(() => [...log.delivered].filter(([lane, seq]) => seq === lane * 100 + 4).length === 12)
    expect(bot.mostAtOnce()).toBe(4)
    const firsts = bot.ids().slice(0, 12)
    expect(new Set(firsts.map((id) => id.slice(0, -2))).size).toBe(12)
  })

  test('that changes its URL or its headers is used from the next push on', async () => {
    const one = await receiver((_request, response) => response.end())
    const two = await receiver((_request, response) => response.end())
    const { sender, log } = start()
    sender.push(1, 1, one.target(), items(1, 1), forever)
    sender.push(1, 1, { ...one.target(), headers: { 'x-token': 'new' } }, items(2, 2), forever)
    await until(() => log.delivered.get(1) === 2)
    sender.push(1, 1, { ...two.target(), id: one.target().id }, items(3, 3), forever)
    await until(() => log.delivered.get(1) === 3)
    expect(one.requests.at(-1)?.headers['x-token']).toBe('new')
    expect(two.ids()).toEqual(['msg_3'])
  })
})

describe('a request', () => {
  test('carries the body, the headers of the target, and no others that a tenant could misuse', async () => {
    const bot = await receiver((_request, response) => response.end())
    const { sender, log } = start()
    const headers = {
      'X-Token': 'abc',
      Host: 'elsewhere',
      'Transfer-Encoding': 'chunked',
      'Webhook-Id': 'forged',
    }
    const body = '{"text":"grüße 👋"}'
    sender.push(1, 1, bot.target({ headers }), [{ seq: 1, id: 'msg_1', body }], forever)
    await until(() => log.delivered.get(1) === 1)
    const [request] = bot.requests
    expect(request).toMatchObject({ method: 'POST', url: '/hook?a=1', body })
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'Plugboard',
      'x-token': 'abc',
      'webhook-id': 'msg_1',
      'content-length': String(Buffer.byteLength(body)),
    })
    expect(request?.headers.host).toMatch(/^127\.0\.0\.1:/)
    expect(request?.headers).not.toHaveProperty('webhook-signature')
  })

  test('is signed as Standard Webhooks says, anew at each attempt', async () => {
    const bot = await receiver((_request, response) => response.end())
    const { sender, log } = start()
    sender.push(1, 1, bot.target({ signingSecret: secret }), items(1, 1), forever)
    sender.push(2, 1, bot.target({ signingSecret: `whsec_${secret}` }), items(1, 5), forever)
    await until(() => log.delivered.size === 2 && log.delivered.get(2) === 5)
    for (const { body, headers } of bot.requests)
      expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toEqual({
        n: expect.any(Number),
      })
  })

  test('is signed with the secret of the target as it is by then', async () => {
    const answers: (() => void)[] = []
    const bot = await receiver((request, response) => {
      if (request.id === 'msg_1') answers.push(() => response.end())
      else response.end()
    })
    const { sender, log } = start()
    const later = Buffer.from('another secret of some length').toString('base64')
    sender.push(1, 1, bot.target({ signingSecret: secret }), items(1, 3), forever)
    await until(() => answers.length === 1)
    sender.push(1, 1, bot.target({ signingSecret: later }), items(4, 4), forever)
    // The push is posted at the end of this turn, before the answer is.
    setImmediate(() => answers[0]?.())
    await until(() => log.delivered.get(1) === 4)
    const secrets = [secret, later, later, later]
    for (const [i, { body, headers }] of bot.requests.entries())
      expect(new Webhook(secrets[i] ?? '').verify(body, headers as Record<string, string>)).toBeTruthy()
  })

  test.each([301, 302, 307, 308])(
    'that is answered with the redirect %i fails and goes nowhere else',
    async (status) => {
      const elsewhere = await receiver((_request, response) => response.end())
      const bot = await receiver((_request, response) => {
        answer(response, status, { location: elsewhere.target().url })
      })
      const failure = await fail(bot.target())
      expect(failure).toMatchObject({ status, kind: 'transient' })
      expect(elsewhere.ids()).toEqual([])
    },
  )

  test.each([429, 503])('that is answered %i says how long to wait', async (status) => {
    const bot = await receiver((_request, response) => answer(response, status, { 'retry-after': '3' }))
    expect(await fail(bot.target())).toMatchObject({ status, retryAfterMs: 3000, kind: 'transient' })
  })

  test('without an answer in time may have arrived', async () => {
    const bot = await receiver(() => {})
    const failure = await fail(bot.target(), { timeoutMs: 200 })
    expect(failure).toMatchObject({ message: 'no complete answer within 200 ms', kind: 'ambiguous' })
  })

  test('whose connection breaks before the answer may have arrived', async () => {
    const bot = await receiver((request) => request.socket.destroy())
    expect(await fail(bot.target())).toMatchObject({ kind: 'ambiguous' })
    expect(bot.ids()).toEqual(['msg_1'])
  })

  test('on a kept connection that turns out to be dead may have arrived, and is not sent again', async () => {
    const seen = new WeakSet<object>()
    const bot = await receiver((request, response) => {
      if (seen.has(request.socket)) request.socket.resetAndDestroy()
      else response.end()
      seen.add(request.socket)
    })
    const { sender, log } = start()
    sender.push(1, 1, bot.target(), items(1, 1), forever)
    await until(() => log.delivered.get(1) === 1)
    sender.push(1, 1, bot.target(), items(2, 2), forever)
    await until(() => log.failed.length === 1)
    expect(log.failed[0]).toMatchObject({ seq: 2, kind: 'ambiguous' })
    expect(bot.ids()).toEqual(['msg_1', 'msg_2'])
  })

  test('that no connection could be made for has not arrived', async () => {
    const bot = await receiver(() => {})
    await bot.close()
    expect(await fail(bot.target())).toMatchObject({ message: 'connection refused', kind: 'transient' })
    const silent = createTcpServer(() => {})
    const { port } = await listen(silent)
    const handshake = await fail({ ...bot.target(), url: `https://127.0.0.1:${port}/` }, { timeoutMs: 200 })
    expect(handshake).toMatchObject({ message: 'no connection within 200 ms', kind: 'transient' })
  })

  test('to a forbidden address is not made', async () => {
    const bot = await receiver((_request, response) => response.end())
    const failure = await fail(bot.target(), { allowance: parseAllowance('none', false) })
    expect(failure.message).toContain('ALLOW_PRIVATE_TARGETS')
    expect(failure.kind).toBe('transient')
    const { port } = new URL(bot.target().url)
    const named = { ...bot.target(), url: `http://localhost:${port}/` }
    expect((await fail(named, { allowance: parseAllowance('none', false) })).kind).toBe('transient')
    expect(bot.ids()).toEqual([])
  })

  test('with an impossible header or URL fails alone', async () => {
    const bot = await receiver((_request, response) => response.end())
    expect(await fail(bot.target({ headers: { 'x-bad': 'a\r\nb: c' } }))).toMatchObject({ kind: 'transient' })
    expect(await fail({ ...bot.target(), url: 'no url' })).toMatchObject({ kind: 'transient' })
  })

  test('that was answered 100 Continue unasked, then 200, is made once', async () => {
    let requests = 0
    const hasty = createTcpServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        if (!chunk.includes('POST ')) return
        requests += 1
        socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
      })
    })
    const { port } = await listen(hasty)
    const { sender, log } = start()
    sender.push(1, 1, { id: 'hasty', url: `http://127.0.0.1:${port}/`, headers: {} }, items(1, 3), forever)
    await until(() => log.delivered.get(1) === 3)
    expect([requests, log.failed]).toEqual([3, []])
  })

  test('that was answered 200 is delivered, even if the answer is too long or never ends', async () => {
    const bot = await receiver((request, response) => {
      response.write(request.id === 'msg_1' ? 'x'.repeat(1_000_000) : 'x')
    })
    const { sender, log } = start({ timeoutMs: 2_000 })
    sender.push(1, 1, bot.target(), items(1, 2), forever)
    await until(() => log.delivered.get(1) === 2)
    expect(bot.ids()).toEqual(['msg_1', 'msg_2'])
    expect(log.failed).toEqual([])
  })
})

describe('close', () => {
  test('lets requests in flight end and starts none', async () => {
    const bot = await receiver((_request, response) => setTimeout(() => response.end(), 100))
    const { sender, log } = start({})
    sender.push(1, 1, bot.target(), items(1, 3), forever)
    await until(() => bot.ids().length === 1)
    const closed = sender.close(10_000)
    sender.push(2, 1, bot.target(), items(1, 1), forever)
    await closed
    expect(bot.ids()).toEqual(['msg_1'])
    expect(log.delivered).toEqual(new Map([[1, 1]]))
  })

  test('aborts what has not ended after the grace period, and reports nothing of it', async () => {
    const bot = await receiver(() => {})
    const { sender, log } = start({})
    sender.push(1, 1, bot.target(), items(1, 1), forever)
    await until(() => bot.ids().length === 1)
    const startedAt = performance.now()
    await sender.close(100)
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    await until(() => bot.requests[0]?.socket.destroyed === true)
    expect(log.failed).toEqual([])
  })
})

describe('a thread that dies', () => {
  test('fails every lane as ambiguous, says so in the log, and is replaced', async () => {
    const bot = await receiver((request, response) => request.id === 'msg_2' || response.end())
    const dying = `import { parentPort } from 'node:worker_threads'
      await import(${JSON.stringify(workerUrl.href)})
      parentPort.on('message', (commands) => JSON.stringify(commands).includes('die') && process.exit(7))`
    const entries: object[] = []
    const log = { error: (context: object, message: string) => void entries.push({ ...context, message }) }
    const { sender, log: heard } = start({ workerUrl: dataUrl(dying), log })
    sender.push(1, 1, bot.target(), items(1, 3), forever)
    await until(() => heard.delivered.get(1) === 1 && bot.ids().length === 2)
    sender.push(2, 4, bot.target(), [{ seq: 8, id: 'msg_8', body: '"die"' }], forever)
    await until(() => heard.failed.length === 2)
    const lost = { message: 'the sender restarted', kind: 'ambiguous' }
    expect(heard.failed).toEqual([
      { lane: 1, generation: 1, seq: 2, ...lost },
      { lane: 2, generation: 4, seq: 8, ...lost },
    ])
    sender.push(1, 1, bot.target(), items(3, 3), forever)
    sender.push(1, 2, bot.target(), items(4, 4), forever)
    await until(() => heard.delivered.get(1) === 4)
    expect(bot.ids()).not.toContain('msg_3')
    expect(entries).toEqual([{ exitCode: 7, message: 'webhook sender thread ended unexpectedly' }])
  })
})

interface Received {
  id: string
  method: string | undefined
  url: string | undefined
  headers: IncomingMessage['headers']
  body: string
  socket: IncomingMessage['socket']
}

/** A bot on a port of its own, that remembers what it got. */
async function receiver(respond: (request: Received, response: ServerResponse) => unknown) {
  const requests: Received[] = []
  let open = 0
  let most = 0
  const server = createServer(async (request, response) => {
    most = Math.max(most, ++open)
    response.on('close', () => open--)
    const body = Buffer.concat(await request.toArray()).toString()
    const { method, url, headers, socket } = request
    const received = { id: String(headers['webhook-id']), method, url, headers, body, socket }
    requests.push(received)
    respond(received, response)
  })
  const { port } = await listen(server)
  const target = (more: Partial<WebhookAddress> = {}): WebhookAddress => {
    return { id: `hook_${port}`, url: `http://127.0.0.1:${port}/hook?a=1`, headers: {}, ...more }
  }
  const close = () => new Promise((resolve) => server.close(resolve).closeAllConnections())
  closing.push(close)
  return { requests, ids: () => requests.map(({ id }) => id), mostAtOnce: () => most, target, close }
}

async function listen(server: ReturnType<typeof createTcpServer>): Promise<AddressInfo> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return server.address() as AddressInfo
}

function answer(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, headers).end('answer')
}

interface Heard {
  delivered: Map<number, number>
  failed: ({ lane: number; generation: number; seq: number } & DeliveryFailure)[]
  attempts: ({ lane: number; seq: number } & AttemptReport)[]
  cancelled: [lane: number, generation: number][]
  expired: [lane: number, generation: number][]
}

/** Of each test, by the thousand of its lanes. */
const logs: Heard[] = []
const LANES = 1000
/** Of all tests that need no options: a thread takes longer to start than most tests. */
let shared: WebhookSender | undefined
afterAll(() => shared?.close(0))

type Lanes = Pick<WebhookSender, 'push' | 'renew' | 'cancel' | 'close'>

/** Without options, lanes of the {@link shared} sender. */
function start(options?: Partial<WebhookSenderOptions>): { sender: Lanes; log: Heard } {
  const log: Heard = { delivered: new Map(), failed: [], attempts: [], cancelled: [], expired: [] }
  const first = logs.push(log) * LANES
  shared ??= create({})
  const sender = options ? create(options) : shared
  if (options) closing.push(() => sender.close(0))
  return {
    log,
    sender: {
      push: (lane, ...rest) => sender.push(first + lane, ...rest),
      renew: (lane, leaseEndsAt) => sender.renew(first + lane, leaseEndsAt),
      cancel: (lane, generation) => sender.cancel(first + lane, generation),
      close: (graceMs) => sender.close(graceMs),
    },
  }
}

function create(options: Partial<WebhookSenderOptions>): WebhookSender {
  const allowance = parseAllowance('loopback', false)
  const sender = createWebhookSender({ allowance, workerUrl, ...options })
  const logOf = (lane: number) => logs[Math.floor(lane / LANES) - 1] as Heard
  sender.start({
    attempted: (lane, seq, attempt) =>
      void logOf(lane).attempts.push({ lane: lane % LANES, seq, ...attempt }),
    delivered: (lane, _generation, seq) => void logOf(lane).delivered.set(lane % LANES, seq),
    failed: (lane, generation, seq, failure) =>
      void logOf(lane).failed.push({ lane: lane % LANES, generation, seq, ...failure }),
    cancelled: (lane, generation) => void logOf(lane).cancelled.push([lane % LANES, generation]),
    progressed: () => undefined,
    expired: (lane, generation) => void logOf(lane).expired.push([lane % LANES, generation]),
  })
  return sender
}

/** Makes one request, of which the test expects that it fails. */
async function fail(
  target: WebhookAddress,
  options?: Partial<WebhookSenderOptions>,
): Promise<DeliveryFailure> {
  const { sender, log } = start(options)
  sender.push(1, 1, target, items(1, 1), forever)
  await until(() => log.failed.length + log.delivered.size > 0)
  const [failure] = log.failed
  if (failure === undefined) throw new Error('delivered, against expectation')
  return failure
}

function items(from: number, to: number): WebhookItem[] {
  return ids(from, to).map((id, index) => ({ seq: from + index, id, body: `{"n":${from + index}}` }))
}

function ids(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `msg_${from + index}`)
}

function dataUrl(code: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`)
}

async function until(isTrue: () => boolean): Promise<void> {
  await expect.poll(isTrue, { interval: 5, timeout: 10_000 }).toBe(true)
}
