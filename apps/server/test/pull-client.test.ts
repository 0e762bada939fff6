import { createClient as createPlugboardClient, type PulledEvent } from '@plugboard/client'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { createClient } from './support/api.js'
import { cleanUp, sharedServer } from './support/server.js'

const server = sharedServer()

afterAll(cleanUp)

const textOf = (event: PulledEvent): string =>
  event.type === 'message.new' && 'text' in event.data.message.payload
    ? String(event.data.message.payload.text)
    : String(event.type)

/** A client of the server with some conversations, whose first events are handled. */
async function setUp(conversations = 1) {
  const { id, token, ...client } = await createClient(server, { webhooks: [{ mode: 'pull' }] })
  const bot = createPlugboardClient({ url: server.url, clientId: id, clientToken: token })
  const talks: string[] = []
  for (let i = 0; i < conversations; i += 1) talks.push((await client.converse()).conversationId)
  const events: unknown[] = []
  const first = bot.pull((event) => events.push(event))
  await vi.waitFor(() => expect(events).toHaveLength(2 * conversations), { timeout: 10_000 })
  await first.stop()
  const pull = (...of: Parameters<typeof bot.pull>) => {
    const pulling = bot.pull(...of)
    onTestFinished(() => pulling.stop())
    return pulling
  }
  return {
    client,
    bot,
    pull,
    talks,
    say: (talk: number, text: string) => client.say(talks[talk] ?? '', text),
  }
}

test('handles the events of a conversation one after another, and conversations at the same time', async () => {
  const { pull, say } = await setUp(3)
  for (const text of ['a', 'b', 'c']) for (const talk of [0, 1, 2]) await say(talk, text)
  const texts = new Map<string, string[]>()
  const working = new Set<string>()
  let most = 0
  pull(async (event) => {
    if (event.type !== 'message.new') return
    const { conversationId } = event.data
    expect(working).not.toContain(conversationId)
    working.add(conversationId)
    most = Math.max(most, working.size)
    await vi.waitFor(() => expect(most).toBe(3), { timeout: 10_000 })
    texts.set(conversationId, [...(texts.get(conversationId) ?? []), textOf(event)])
    working.delete(conversationId)
  })
  await vi.waitFor(() => expect([...texts.values()].flat()).toHaveLength(9), { timeout: 10_000 })
  expect([...texts.values()]).toEqual(Array(3).fill(['a', 'b', 'c']))
})

test('gets an event again whose handler failed, and the later ones after it', async () => {
  const { pull, say } = await setUp()
  for (const text of ['a', 'b', 'c']) await say(0, text)
  const [texts, errors]: [string[], unknown[]] = [[], []]
  pull(
    (event) => {
      texts.push(`${textOf(event)} ${event.attempts}`)
      if (textOf(event) === 'b' && event.attempts === 1) throw new Error('not now')
    },
    {
      onError: (error, event) =>
        errors.push([error instanceof Error && error.message, event && textOf(event)]),
    },
  )
  await vi.waitFor(() => expect(texts).toHaveLength(4), { timeout: 10_000 })
  expect(texts).toEqual(['a 1', 'b 1', 'b 2', expect.stringMatching(/^c [12]$/)])
  expect(errors).toEqual([['not now', 'b']])
})

test('keeps what a handler works on for longer than the lease', async () => {
  const { bot, pull, say } = await setUp()
  await say(0, 'slow')
  const attempts: number[] = []
  let end = (): void => undefined
  const handler = (event: PulledEvent) => {
    attempts.push(event.attempts)
    return new Promise<void>((resolve) => {
      end = resolve
    })
  }
  pull(handler, { leaseSeconds: 1 })
  await vi.waitFor(() => expect(attempts).toEqual([1]), { timeout: 10_000 })
  const others: string[] = []
  pull((event) => others.push(textOf(event)), { leaseSeconds: 1 })
  const waiting = async () => (await bot.webhooks.list())[0]?.waiting?.conversations
  const until = performance.now() + 2500
  await vi.waitFor(() => expect(performance.now()).toBeGreaterThan(until), { timeout: 10_000 })
  expect([attempts, others, await waiting()]).toEqual([[1], [], 1])
  end()
  await vi.waitFor(async () => expect(await waiting()).toBe(0), { timeout: 10_000 })
})

test('stops after the handler at work, and gives the rest to another bot at once', async () => {
  const { pull, say } = await setUp()
  for (const text of ['a', 'b', 'c']) await say(0, text)
  const texts: string[] = []
  let end = (): void => undefined
  const first = pull(
    async (event) => {
      texts.push(textOf(event))
      await new Promise<void>((resolve) => {
        end = resolve
      })
    },
    { leaseSeconds: 600 },
  )
  await vi.waitFor(() => expect(texts).toEqual(['a']), { timeout: 10_000 })
  const stopped = first.stop()
  end()
  await stopped
  pull((event) => void texts.push(textOf(event)))
  await vi.waitFor(() => expect(texts).toEqual(['a', 'b', 'c']), { timeout: 10_000 })
})

test('ends where there is no such webhook', async () => {
  const { pull } = await setUp()
  await expect(pull(() => undefined, { webhook: 'other' }).done).rejects.toMatchObject({ status: 404 })
})
