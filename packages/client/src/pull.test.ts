import { expect, onTestFinished, test, vi } from 'vitest'
import { answer, hangUp } from '../test/fake-server.js'
import { setUp } from '../test/setup.js'
import type { PulledEvent, PullOptions } from './pull.js'

/** A bot, and what it was called with. */
async function startBot(options: PullOptions = {}) {
  const { server, client } = await setUp()
  const [events, errors]: [PulledEvent[], unknown[]] = [[], []]
  const start = () => {
    const pulling = client.pull((event) => void events.push(event), {
      onError: (error) => errors.push(error),
      ...options,
    })
    onTestFinished(() => pulling.stop())
    return pulling
  }
  return { server, client, events, errors, start }
}

const page = (...events: object[]) =>
  answer(200, JSON.stringify({ events }), { 'content-type': 'application/json' })
const message = (id: string, conversationId: string, text: string) => ({
  ...{ position: `p${id}`, id, conversationId, attempts: 1, type: 'message.new' },
  data: {
    conversationId,
    channel: 'messaging',
    message: { id, conversationId, sentOn: '2026-11-30T12:00:00.000Z', payload: { type: 'text', text } },
  },
})

/**
 * A bot whose handler does not come to an end with the event `held` until it is let go. `next`: what the next requests
 * are answered.
 */
async function startHeldBot(held: string, options: PullOptions, ...pages: object[][]) {
  const next = { pull: pages.map((events): object => ({ events })), extend: [] as object[] }
  const { server, client } = await setUp({
    async fetch(url, init) {
      const action = new URL(url).pathname.split('/').at(-1)
      const told = action === 'pull' || action === 'extend' ? next[action].shift() : undefined
      const answered = await fetch(url, init)
      return told ? Response.json(told) : answered
    },
  })
  const handled: string[] = []
  let letGo = (): void => undefined
  const end = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const handler = async ({ id, attempts }: PulledEvent): Promise<void> => {
    handled.push(`${id} ${attempts}`)
    if (id === held) await end
  }
  const pulling = client.pull(handler, options)
  onTestFinished(async () => {
    letGo()
    await pulling.stop()
  })
  const requests = (action: string) => server.requests.filter(({ path }) => path === `/api/v1/pull${action}`)
  return { handled, letGo, requests, next }
}

test('calls the handler with each event, and acknowledges it', async () => {
  const { server, events, start } = await startBot({ webhook: 'audit', leaseSeconds: 60 })
  server.faults.push(page(message('1', 'c', 'a'), message('2', 'c', 'b')))
  const pulling = start()
  await vi.waitFor(() =>
    expect(events.map(({ id, attempts }) => [id, attempts])).toEqual([
      ['1', 1],
      ['2', 1],
    ]),
  )
  await pulling.stop()
  await pulling.done
  const [first] = server.requests
  expect([first?.path, first?.query]).toEqual(['/api/v1/pull', '?webhook=audit&limit=64&wait=25&lease=60'])
  const acknowledged = server.requests.filter(({ path }) => path === '/api/v1/pull/ack')
  expect(acknowledged.flatMap(({ body }) => (body as { positions: string[] }).positions)).toEqual([
    'p1',
    'p2',
  ])
})

test('takes events of other conversations while one has much to do', async () => {
  const busy = Array.from({ length: 16 }, (_, i) => message(`busy${i}`, 'busy', 'a'))
  const pages = [busy, [message('other', 'c', 'b')]]
  const { handled, requests } = await startHeldBot('busy0', { concurrency: 4 }, ...pages)
  await vi.waitFor(() => expect(handled).toEqual(['busy0 1', 'other 1']))
  const limits = requests('').map(({ query }) => new URLSearchParams(query).get('limit'))
  expect(limits.slice(0, 2)).toEqual(['16', '3'])
})

test('handles an event once that is given again meanwhile, and acknowledges what was given last', async () => {
  const events = [message('1', 'c', 'a'), message('2', 'c', 'b')]
  const again = events.map((event) => ({ ...event, attempts: 2, position: `q${event.id}` }))
  const { handled, letGo, requests } = await startHeldBot('1', {}, events, again)
  await vi.waitFor(() => expect(requests('')).toHaveLength(3), { timeout: 5000 })
  letGo()
  const acknowledged = () =>
    requests('/ack').flatMap(({ body }) => (body as { positions: string[] }).positions)
  await vi.waitFor(() => expect(acknowledged()).toEqual(['q1', 'q2']))
  expect(handled).toEqual(['1 1', '2 2'])
})

test('handles no two events of a conversation at once, also when its lease ended and it has them again', async () => {
  const events = [message('1', 'c', 'a'), message('2', 'c', 'b')]
  const again = events.map((event) => ({ ...event, attempts: 2, position: `q${event.id}` }))
  const { handled, letGo, requests, next } = await startHeldBot('1', { leaseSeconds: 1 })
  next.pull.push({ events: events.slice(0, 1) })
  await vi.waitFor(() => expect(handled).toEqual(['1 1']))
  next.extend.push({ refused: ['p1'] })
  await vi.waitFor(() => expect(next.extend).toEqual([]), { timeout: 5000 })
  next.pull.push({ events: again })
  const kept = () => requests('/extend').at(-1)?.body
  await vi.waitFor(() => expect(kept()).toMatchObject({ positions: ['q1', 'q2'] }), { timeout: 5000 })
  expect(handled).toEqual(['1 1'])
  letGo()
  await vi.waitFor(() => expect(handled).toEqual(['1 1', '2 2']))
})

test('acknowledges events that it cannot read, and calls no handler with them', async () => {
  const { server, events, start } = await startBot()
  server.faults.push(page({ position: 'p1', id: '1', attempts: 1, type: 'message.new', data: {} }))
  start()
  await vi.waitFor(() => expect(server.requests.map(({ path }) => path)).toContain('/api/v1/pull/ack'))
  expect(events).toEqual([])
})

test('acknowledges again until the server has it, and stops without if it cannot', async () => {
  const { client, server } = await setUp({
    retries: 0,
    async fetch(url, init) {
      const action = new URL(url).pathname.split('/').at(-1)
      const answered = await fetch(url, init)
      if (action === 'ack' && faults.length > 0) throw faults.shift()
      if (action === 'ack') heard += 1
      return action === 'pull' ? Response.json({ events: events.splice(0) }) : answered
    },
  })
  const events: object[] = [message('1', 'c', 'a')]
  const faults = [new TypeError('lost'), new TypeError('lost')]
  let heard = 0
  const acknowledged = () =>
    server.requests
      .filter(({ path }) => path === '/api/v1/pull/ack')
      .map(({ body }) => (body as { positions: string[] }).positions)
  const pulling = client.pull(() => undefined)
  onTestFinished(() => pulling.stop())
  await vi.waitFor(() => expect(heard).toBe(1), { timeout: 10_000 })
  expect(acknowledged()).toEqual([['p1'], ['p1'], ['p1']])

  faults.push(...Array.from({ length: 10 }, () => new TypeError('lost')))
  events.push(message('2', 'c', 'b'))
  await vi.waitFor(() => expect(acknowledged().at(-1)).toEqual(['p2']), { timeout: 5_000 })
  await pulling.stop()
  expect(faults.length).toBeGreaterThan(0)
}, 20_000)

test('asks again after failures, with pauses', async () => {
  const { server, events, errors, start } = await startBot()
  server.faults.push(hangUp, answer(503), page(message('1', 'c', 'a')))
  start()
  await vi.waitFor(() => expect(events).toHaveLength(1), { timeout: 10_000 })
  expect(errors).toMatchObject([{ reason: 'network' }, { status: 503 }])
}, 15_000)

test.each([401, 403, 404])('ends when it is answered %i', async (status) => {
  const { server, errors, start } = await startBot()
  server.faults.push(answer(status, 'no'))
  await expect(start().done).rejects.toMatchObject({ status })
  expect(errors).toHaveLength(1)
})

test('stops with its signal, also before it began', async () => {
  const stopped = AbortSignal.abort()
  const { server, start } = await startBot({ signal: stopped })
  await start().done
  expect(server.requests).toEqual([])
})

test('survives a handler for errors that throws', async () => {
  const { server, events, start } = await startBot({
    onError: () => {
      throw new Error('it does not work either')
    },
  })
  server.faults.push(answer(500), page(message('1', 'c', 'a')))
  start()
  await vi.waitFor(() => expect(events).toHaveLength(1), { timeout: 10_000 })
}, 15_000)

test.each([
  [{ concurrency: 0 }, 'concurrency'],
  [{ concurrency: 1.5 }, 'concurrency'],
  [{ leaseSeconds: 50_000 }, 'leaseSeconds'],
])('refuses the option %j', async (options, name) => {
  const { start } = await startBot(options)
  expect(start).toThrow(
    new RangeError(`${name} must be a whole number from 1 to ${name === 'concurrency' ? 1000 : 43_200}`),
  )
})
