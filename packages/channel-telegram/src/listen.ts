import { setTimeout as sleep } from 'node:timers/promises'
import {
  AnswerTooLarge,
  FailureError,
  type Heard,
  type InboundEvent,
  isJsonObject,
  isPlugboardError,
  isUrl,
  type Json,
  type ListenContext,
  type Logger,
} from '@plugboard/core'
import { ApiError, call, longCall, type Session } from './api.js'
import type { Config } from './config.js'
import { readUpdate } from './inbound.js'
import { findWebhook, UPDATES } from './setup.js'

type Context = ListenContext<Config, Session>

/** How long Telegram waits for updates before it answers that there are none, in seconds. */
const WAIT_S = 50
/** Most updates per answer. */
const MAX_UPDATES = 100
/** Events per value, more or less. */
const ENOUGH_EVENTS = 200
/** The pause after an answer without updates that came too early, in milliseconds. */
const EARLY_MS = 1_000
/**
 * How long a position counts. Telegram keeps updates for a day. After a week of silence it numbers them anew, from any
 * number on, and an old position could confirm new ones.
 */
const POSITION_MS = 2 * 24 * 60 * 60 * 1000

/** Reads updates by long polling: https://core.telegram.org/bots/api#getupdates. */
export const listen = (logger: Logger) =>
  async function* (context: Context): AsyncGenerator<Heard> {
    let limit = MAX_UPDATES
    let offset = offsetIn(context.cursor, Date.now())
    // Telegram answers the first time at once, which shows that it works.
    for (let timeout = 0; !context.signal.aborted; timeout = WAIT_S) {
      const startedAt = performance.now()
      let updates: Numbered[]
      try {
        updates = await poll(context, { ...(offset !== undefined && { offset }), limit, timeout })
      } catch (error) {
        if (!(error instanceof AnswerTooLarge) || limit === 1) throw error
        limit = 1
        continue
      }
      context.connected()
      // What was before the position is confirmed now.
      offset = undefined
      limit = MAX_UPDATES
      for (const { heard, callbackIds } of valuesOf(updates, context, logger)) {
        yield heard
        offset = heard.cursor.offset
        for (const id of callbackIds) answer(context, id)
      }
      if (updates.length === 0 && timeout > 0 && performance.now() - startedAt < EARLY_MS)
        await sleep(EARLY_MS, undefined, { signal: context.signal, ref: false })
    }
  }

/** An update with its number. */
interface Numbered {
  id: number
  update: Json
}

async function poll(context: Context, args: object): Promise<Numbered[]> {
  const { session } = context.integration
  try {
    const all = { ...args, allowed_updates: UPDATES }
    const updates = await longCall(session, 'getUpdates', all, context)
    if (Array.isArray(updates)) return updates.map(numbered).sort((a, b) => a.id - b.id)
  } catch (error) {
    if (error instanceof ApiError && error.details.status === 409) throw await conflict(error, context)
    throw error
  }
  throw new FailureError({ kind: 'ambiguous', message: 'Telegram answered getUpdates without updates' })
}

function numbered(update: Json): Numbered {
  const id = isJsonObject(update) ? update.update_id : undefined
  if (Number.isSafeInteger(id)) return { id: id as number, update }
  throw new FailureError({ kind: 'ambiguous', message: 'Telegram answered an update without its number' })
}

/** Something else gets the updates of the bot: says what, and what to do. */
async function conflict(error: ApiError, { integration, signal }: Context): Promise<FailureError> {
  const url = await findWebhook(integration.session, signal).catch(() => undefined)
  const host = url !== undefined && isUrl(url) ? new URL(url).host : undefined
  if (host !== undefined)
    return new FailureError({
      kind: 'transient',
      message: `the bot has a webhook at ${host}, so Telegram gives its updates to nobody else: remove it with deleteWebhook, or sync "mode": "webhook"`,
    })
  return new FailureError({
    kind: 'transient',
    message: `${error.message}; another program reads the updates of this bot: stop it, or give it another bot`,
  })
}

/** Updates as values of `listen`, each with the buttons that were pressed in it. */
function* valuesOf(updates: readonly Numbered[], { integration }: Context, logger: Logger) {
  let events: InboundEvent[] = []
  let callbackIds: string[] = []
  for (const [i, { id, update }] of updates.entries()) {
    try {
      const read = readUpdate(JSON.stringify(update), integration.config)
      events.push(...read.events)
      if (read.callbackId !== undefined) callbackIds.push(read.callbackId)
    } catch (error) {
      // As a webhook that answers 400, but Telegram would not stop to repeat it.
      if (!isPlugboardError(error, 'INVALID')) throw error
      const { clientId } = integration
      logger.warn(
        { clientId, update: id, reason: error.message },
        'an update of Telegram is invalid; skipping it',
      )
    }
    if (events.length < ENOUGH_EVENTS && i < updates.length - 1) continue
    yield { heard: { events, cursor: { offset: id + 1, at: Date.now() } }, callbackIds }
    events = []
    callbackIds = []
  }
}

/** Ends the waiting of a pressed button, which nothing depends on. */
function answer({ integration, signal }: Context, callbackId: string): void {
  call(integration.session, 'answerCallbackQuery', { callback_query_id: callbackId }, signal).catch(
    () => undefined,
  )
}

function offsetIn(cursor: Json | undefined, now: number): number | undefined {
  if (!isJsonObject(cursor)) return undefined
  const { offset, at } = cursor
  const isFresh = typeof at === 'number' && now - at < POSITION_MS
  return isFresh && Number.isSafeInteger(offset) ? (offset as number) : undefined
}
