import type { Id } from '@plugboard/core'
import { type ClientSlots, type Closing, releaseAtEnd } from './client-slots.js'
import { CHUNK } from './json-text.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** For lists of all dialects: each keeps a page in memory until it is sent. */
    listSlots: ClientSlots
    /** For those that visitors ask for, of whom there are many: they keep the client itself from none of its own. */
    visitorListSlots: ClientSlots
  }
}

/**
 * Creates a response with a list; `of`: see {@link ClientSlots.take}. A short text releases its slot immediately, anything else when the response is closed.
 * @throws RATE_LIMITED
 */
export async function withListSlot<T>(
  slots: ClientSlots,
  clientId: Id,
  response: Closing,
  make: () => Promise<T>,
  of?: string,
): Promise<T> {
  const release = await slots.take(clientId, of)
  try {
    const answer = await make()
    if (typeof answer === 'string' && answer.length < CHUNK) release()
    else releaseAtEnd(response, release)
    return answer
  } catch (error) {
    release()
    throw error
  }
}
