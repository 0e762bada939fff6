import type { Id } from '@plugboard/core'
import type { Entry } from '../log/entry.js'
import { isFull } from '../log/page.js'
import { endpointTarget } from '../log/target.js'
import type { Store } from '../ports/store.js'

/** Messages that are searched. A reference to an older one is to no message that is known. */
const MAX_SEARCHED = 300
/** Messages of one read. Most references are to one of the last. */
const PAGE = 50

/**
 * The message of the business that an endpoint shows under this id of the provider, among the newest of the conversation.
 * Needs a channel that declares `messageIds`, or can edit or remove. Undefined if there is none.
 */
export async function findSent(
  store: Pick<Store, 'listMessages'>,
  place: { clientId: Id; conversationId: Id; endpointId: Id },
  providerMessageId: string,
): Promise<Entry | undefined> {
  const { clientId, conversationId } = place
  const target = endpointTarget(place.endpointId)
  const shows = ({ sent }: Entry) => sent?.[target]?.parts.some(({ ids }) => ids.includes(providerMessageId))
  let before: Id | undefined
  for (let searched = 0; searched < MAX_SEARCHED; ) {
    const page = { limit: PAGE, ...(before !== undefined && { before }) }
    const messages = (await store.listMessages(clientId, conversationId, page)) ?? []
    const found = messages.find(shows)
    if (found || !isFull(messages, PAGE)) return found
    before = messages.at(-1)?.id
    searched += messages.length
  }
  return undefined
}
