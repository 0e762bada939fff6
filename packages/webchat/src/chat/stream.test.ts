import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { HubError } from './api.js'
import { followEvents, type Placed, type StreamOptions } from './stream.js'

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('navigator', { onLine: true })
  vi.stubGlobal('addEventListener', () => undefined)
  vi.stubGlobal('removeEventListener', () => undefined)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** A connection that brings these texts, and then ends, or stays open. */
function connection(texts: string[], { staysOpen = false } = {}): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const text of texts) controller.enqueue(new TextEncoder().encode(text))
      if (!staysOpen) controller.close()
    },
  })
}

const event = (id: string, name: string, data: object): string =>
  `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/** Follows a hub that answers each request in turn: with a connection, or with an error. */
function follow(...answers: (ReadableStream<Uint8Array> | Error)[]) {
  const asked: (string | undefined)[] = []
  const got: Placed[] = []
  const connections: string[] = []
  let gaps = 0
  let position: string | undefined
  const end = new AbortController()
  const api = {
    async events(after: string | undefined, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
      asked.push(after)
      const answer = answers.shift()
      if (answer instanceof Error) throw answer
      const body = answer ?? connection([], { staysOpen: true })
      return body.pipeThrough(new TransformStream(), { signal })
    },
  } as StreamOptions['api']
  const following = followEvents(
    {
      api,
      position: () => position,
      onEvent(placed) {
        got.push(placed)
        position = placed.to ?? position
      },
      onGap() {
        gaps += 1
      },
      onConnection: (state) => connections.push(state),
    },
    end.signal,
  )
  return { following, asked, got, connections, end, gaps: () => gaps }
}

describe('a stream', () => {
  test('continues where the last connection ended', async () => {
    const { asked, got, gaps } = follow(
      connection([event('1', 'message', { n: 1 }), event('2', 'message', { n: 2 })]),
      connection([event('3', 'edited', { n: 3 })]),
    )
    await vi.advanceTimersByTimeAsync(5_000)
    expect(asked).toEqual([undefined, '2', '3'])
    expect(got.map(({ event: { data }, from, to }) => [data, from, to])).toEqual([
      [{ n: 1 }, undefined, '1'],
      [{ n: 2 }, '1', '2'],
      [{ n: 3 }, '2', '3'],
    ])
    // Only the first connection had no position to continue from.
    expect(gaps()).toBe(1)
  })

  test('puts an event together that comes in pieces, also in the middle of a character', async () => {
    const bytes = new TextEncoder().encode(event('1', 'message', { text: 'Grüße, 你好' }))
    const pieces = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(new Uint8Array([byte]))
        controller.close()
      },
    })
    const { got } = follow(pieces)
    await vi.advanceTimersByTimeAsync(0)
    expect(got.map(({ event: { data } }) => data)).toEqual([{ text: 'Grüße, 你好' }])
  })

  test('takes what has no id without moving', async () => {
    const { asked, got } = follow(
      connection([event('1', 'message', {}), `event: typing\ndata: {"isTyping":true}\n\n`]),
    )
    await vi.advanceTimersByTimeAsync(2_000)
    expect(got.at(-1)).toEqual({ event: { name: 'typing', data: { isTyping: true } } })
    expect(asked).toEqual([undefined, '1'])
  })

  test('waits longer after each failure, and is not in a hurry', async () => {
    const failures = Array.from({ length: 20 }, () => new TypeError('failed to fetch'))
    const { asked, connections } = follow(...failures)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked.length).toBeGreaterThan(4)
    expect(asked.length).toBeLessThan(16)
    expect(connections).toContain('offline')
  })

  test('asks a busy hub no sooner than it wants', async () => {
    const { asked } = follow(new HubError(429, 'RATE_LIMITED', false, undefined, '40'))
    await vi.advanceTimersByTimeAsync(39_000)
    expect(asked.length).toBe(1)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(asked.length).toBe(2)
  })

  test('ends when the hub does not know the visitor, and goes on when it is only busy', async () => {
    const refused = follow(new HubError(503, 'UNAVAILABLE'), new HubError(401, 'TOKEN_INVALID'))
    const outcome = expect(refused.following).rejects.toMatchObject({ status: 401 })
    await vi.advanceTimersByTimeAsync(5_000)
    await outcome
    expect(refused.asked.length).toBe(2)
  })

  test('a position that the hub no longer keeps is a gap', async () => {
    const { gaps } = follow(connection([event('9', 'reset', { oldest: '7' })]))
    await vi.advanceTimersByTimeAsync(0)
    expect(gaps()).toBe(2)
  })

  test('a connection that says nothing for long is given up', async () => {
    const { asked } = follow(connection([event('1', 'message', {})], { staysOpen: true }))
    await vi.advanceTimersByTimeAsync(30_000)
    expect(asked.length).toBe(1)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(asked).toEqual([undefined, '1'])
  })

  test('ends with its signal', async () => {
    const { following, end } = follow(connection([], { staysOpen: true }))
    await vi.advanceTimersByTimeAsync(0)
    end.abort()
    await vi.advanceTimersByTimeAsync(1_000)
    await expect(following).resolves.toBeUndefined()
  })
})
