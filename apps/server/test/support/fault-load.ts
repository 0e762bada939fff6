import type { TestClient } from './api.js'
import type { Received, Receiver } from './receiver.js'

/** A generator of numbers in [0, 1) that a seed repeats (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Does something for every item, with limited concurrency. */
export async function forAll<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<unknown>,
  atOnce = 16,
): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next
      next += 1
      await work(items[index] as T, index)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

/** Makes conversations, all of one user. */
export async function converseMany(client: TestClient, count: number): Promise<string[]> {
  const { userId } = await client.converse()
  const ids: string[] = []
  await forAll(Array.from({ length: count }), async (_, i) => {
    ids[i] = (await client.call('POST', '/conversations', { userId })).json.id
  })
  return ids
}

export interface Listed {
  id: string
  conversationId: string
  payload: Record<string, unknown>
}

/** All messages of a conversation, oldest first. */
export async function listAll(client: TestClient, conversationId: string): Promise<Listed[]> {
  const { json } = await client.call('GET', `/messages/conversation/${conversationId}?limit=0`)
  return (json as Listed[]).reverse()
}

/** The message of an event. */
export const messageOf = ({ json }: Received): Listed | undefined => json.data.message as Listed | undefined

export const textOf = (request: Received) => messageOf(request)?.payload.text as string | undefined

/** The texts of the messages that a receiver got, repetitions and all. */
export const textsOf = (bot: Receiver, conversationId?: string) =>
  bot
    .ofType('message.new')
    .filter(({ json }) => conversationId === undefined || json.data.conversationId === conversationId)
    .map(textOf)

/** The same without the repetitions: first deliveries, in their order. */
export const firstsOf = (bot: Receiver, conversationId?: string) => [...new Set(textsOf(bot, conversationId))]

export const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i))
