import { setTimeout as sleep } from 'node:timers/promises'
import type { Id } from '@plugboard/core'
import type { Entry } from '../log/entry.js'
import { isFull } from '../log/page.js'
import { endpointTarget } from '../log/target.js'
import type { Store } from '../ports/store.js'

/** Messages that are searched. A reference to an older one is to no message that is known. */
const MAX_SEARCHED = 300
/** Messages of one read. Most references are to one of the last. */
const PAGE = 50

interface SentPlace {
  clientId: Id
  conversationId: Id
  endpointId: Id
}

/**
 * The message of the business that an endpoint shows under this id of the provider, among the newest of the conversation.
 * Needs a channel that declares `messageIds`, or can edit or remove. Undefined if there is none.
 */
export async function findSent(
  store: Pick<Store, 'listMessages'>,
  place: SentPlace,
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

/** How long a request still waits for ids that are not stored yet, in milliseconds. */
export interface Patience {
  leftMs: number
}

/** Time between two looks, in milliseconds. */
const STEP_MS = 100
/** Older messages are waiting for another reason than that their ids are just being stored, in milliseconds. */
const RECENT_MS = 60_000

/**
 * As {@link findSent}, but waits while the endpoint gets a message of which not everything is stored: a provider may tell
 * what became of a message before its answer to the call is stored.
 */
export async function awaitSent(
  store: Pick<Store, 'listMessages'>,
  place: SentPlace,
  providerMessageId: string,
  { now, patience }: { now(): Date; patience: Patience },
): Promise<Entry | undefined> {
  const known = await findSent(store, place, providerMessageId)
  if (known) return known
  for (;;) {
    const isUnderWay = await isSending(store, place, now())
    // Once more, for one that has arrived since.
    const found = await findSent(store, place, providerMessageId)
    if (found || !isUnderWay || patience.leftMs <= 0) return found
    const ms = Math.min(STEP_MS, patience.leftMs)
    patience.leftMs -= ms
    await sleep(ms)
  }
}

async function isSending(
  store: Pick<Store, 'listMessages'>,
  { clientId, conversationId, endpointId }: SentPlace,
  now: Date,
): Promise<boolean> {
  const newest = (await store.listMessages(clientId, conversationId, { limit: PAGE })) ?? []
  const target = endpointTarget(endpointId)
  return newest.some(
    ({ author, at, sent }) =>
      author === 'business' && !sent?.[target]?.isWhole && now.getTime() - at.getTime() < RECENT_MS,
  )
}
