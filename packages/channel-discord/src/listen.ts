import {
  type Heard,
  type InboundEvent,
  isPlugboardError,
  type JsonObject,
  type ListenContext,
  type Logger,
} from '@plugboard/core'
import type { Call, Session } from './api.js'
import type { Config, Options } from './config.js'
import { Gateway, hasContent } from './gateway.js'
import { parseInteraction } from './interactions.js'
import { Authors, parseDispatch } from './messages.js'
import { readInteraction } from './payloads.js'
import { type Dispatch, ShardsChanged } from './shard.js'

type Context = ListenContext<Config, Session>

/** What an event means, and how Discord is to be answered. */
interface Read {
  events: InboundEvent[]
  reply?: { path: string; answer: JsonObject }
}

/**
 * Reads events over the gateway: https://docs.discord.com/developers/events/gateway. An event is confirmed once it is
 * stored; after an interruption, the session goes on behind the last one.
 */
export const listen = (call: Call, options: Options, logger: Logger) =>
  async function* (context: Context): AsyncGenerator<Heard> {
    const gateway = new Gateway(call, options, context)
    const authors = new Authors()
    try {
      await gateway.open()
      for (;;) {
        const dispatches = await gateway.take()
        const all = dispatches.map((dispatch) => readDispatch(dispatch, gateway, authors, context, logger))
        yield { events: all.flatMap(({ events }) => events), cursor: gateway.cursorAfter(dispatches) }
        for (const dispatch of dispatches) dispatch.shard.confirm(dispatch)
        for (const { reply } of all) if (reply) answer(call, reply, context, logger)
      }
    } catch (error) {
      // The next attempt asks how many there are.
      if (error instanceof ShardsChanged) yield { events: [], cursor: null }
      throw error
    } finally {
      gateway.close()
    }
  }

/** What is not in Discord's form is skipped. */
function readDispatch(
  { name, data, session, seq }: Dispatch,
  { self }: Gateway,
  authors: Authors,
  { integration }: Context,
  logger: Logger,
): Read {
  const { config, clientId } = integration
  try {
    if (name === 'INTERACTION_CREATE') {
      const { events, answer } = parseInteraction(data, config.applicationId)
      const { id, token } = readInteraction(data)
      return { events, reply: { path: `/interactions/${id}/${encodeURIComponent(token)}/callback`, answer } }
    }
    const about = { self, id: `${session.id}:${seq}`, hasContent: hasContent(config), authors }
    return { events: parseDispatch(name, data, about) }
  } catch (error) {
    if (!isPlugboardError(error, 'INVALID')) throw error
    logger.warn(
      { clientId, event: name, reason: error.message },
      'an event of Discord is invalid; skipping it',
    )
    return { events: [] }
  }
}

/** Discord shows the person an error if this comes later than three seconds; what they did is stored all the same. */
function answer(
  call: Call,
  { path, answer }: { path: string; answer: JsonObject },
  context: Context,
  logger: Logger,
): void {
  call({ method: 'POST', path, body: answer }, context).catch((error: unknown) => {
    const { clientId } = context.integration
    const reason = error instanceof Error ? error.message : 'unknown'
    logger.warn({ clientId, reason }, 'cannot answer an interaction of Discord')
  })
}
