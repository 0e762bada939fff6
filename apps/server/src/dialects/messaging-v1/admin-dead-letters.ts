import { type Id, invalid, isId, isPlugboardError, PlugboardError, toUuid } from '@plugboard/core'
import { type ClientView, type DeadLetter, eventOf, type Hub, parseTarget } from '@plugboard/hub'
import { z } from 'zod'
import { adminPage, existingClient, nextPage } from './admin-lists.js'
import { deadLetterJson, findWebhook } from './dead-letter.js'
import { clientIdOf } from './map.js'
import { deadLetter, deathReason } from './schemas.js'

const text = z.string().min(1).max(8192).optional()
const time = z.iso.datetime({ offset: true }).optional()

/** Which dead letters: those that match every member. */
const filter = {
  client: text.meta({ description: 'Id of a client in any of the APIs. Default: all clients' }),
  target: text.meta({ description: 'Id of a webhook, endpoint or integration, or the URL of a webhook' }),
  integration: text.meta({ description: 'Id or name of an integration' }),
  channel: text.meta({ description: 'Name of a channel' }),
  reason: deathReason.optional(),
  event: text.meta({ description: 'Type of the event, such as `message.new`' }),
  since: time.meta({ description: 'Given up at this time or later' }),
  until: time.meta({ description: 'Given up at this time or earlier' }),
}
type Filter = z.infer<z.ZodObject<typeof filter>>

export const deadLettersQuery = z.strictObject({ ...filter, ...adminPage })
export const adminDeadLetters = z.object({
  deadLetters: z.array(deadLetter.extend({ clientId: z.string() })),
  ...nextPage,
})

export const replayRequest = z.strictObject({
  ...filter,
  to: text.meta({ description: 'Id or URL of a webhook of the client, to replay to it' }),
  after: adminPage.after,
})
/** `refused`: not replayed, because too many replays of a conversation wait. */
export const replayed = z.object({ replayed: z.number(), refused: z.number(), ...nextPage })

/** Entries per read, and reads per request: a request over many clients ends in time, with a cursor. */
const ENTRIES = 100
const READS = 50

/** A page of dead letters of one client or of all, newest first for each client. @throws NOT_FOUND for the client */
export async function listDeadLetters(
  hub: Hub,
  { limit = ENTRIES, after, ...query }: z.infer<typeof deadLettersQuery>,
): Promise<z.infer<typeof adminDeadLetters>> {
  const deadLetters: z.infer<typeof adminDeadLetters>['deadLetters'] = []
  const next = await walk(hub, query, after, async (client, letters) => {
    for (const letter of letters)
      deadLetters.push({ clientId: clientIdOf(client.record), ...deadLetterJson(hub, client, letter) })
    return deadLetters.length < limit
  })
  return { deadLetters, ...(next !== undefined && { after: next }) }
}

/** Replays a page of dead letters. @throws NOT_FOUND for the client, INVALID for a webhook that it does not have */
export async function replayDeadLetters(
  hub: Hub,
  { to, after, ...query }: z.infer<typeof replayRequest>,
): Promise<z.infer<typeof replayed>> {
  if (to !== undefined && query.client === undefined)
    throw invalid({ path: ['to'], message: 'needs a client, whose webhook it is' })
  const counts = { replayed: 0, refused: 0 }
  const next = await walk(hub, query, after, async (client, letters) => {
    const target = to === undefined ? undefined : findWebhook(client, to)
    for (const { entry, target: own } of letters) {
      try {
        await hub.deliveries.replay(client, entry.id, own, target)
        counts.replayed += 1
      } catch (error) {
        // Its target was removed, or somebody else replayed it; or too many wait.
        if (!isPlugboardError(error) || (error.code !== 'NOT_FOUND' && error.code !== 'RATE_LIMITED'))
          throw error
        counts.refused += 1
      }
    }
    return counts.replayed + counts.refused < ENTRIES
  })
  return { ...counts, ...(next !== undefined && { after: next }) }
}

/**
 * Visits the matching dead letters, page by page and client by client, until `visit` returns false or the reads of one
 * request are used up. Returns the cursor to continue at; undefined at the end.
 */
async function walk(
  hub: Hub,
  { client: only, ...query }: Filter,
  after: string | undefined,
  visit: (client: ClientView, letters: DeadLetter[]) => Promise<boolean>,
): Promise<string | undefined> {
  const single = only === undefined ? undefined : await existingClient(hub, only)
  let { clientId, before } = parseCursor(after)
  for (let reads = 0; reads < READS; reads += 1) {
    const client = single ?? (await clientAt(hub, clientId, before))
    if (!client) return undefined
    clientId = client.id
    const letters = await hub.deliveries.listDead(client, { limit: ENTRIES, ...(before && { before }) })
    before = letters.at(-1)?.entry.id
    if (!before && single) return undefined
    const wants = await visit(
      client,
      letters.filter((letter) => matches(client, letter, query)),
    )
    if (!wants && before) return cursorOf(clientId, before)
  }
  return cursorOf(clientId, before)
}

/** The client of a cursor while it has more pages, else the next one. */
async function clientAt(
  hub: Hub,
  clientId: Id | undefined,
  before: Id | undefined,
): Promise<ClientView | undefined> {
  const known = clientId && before && (await hub.clients.find({ id: clientId }))
  if (known) return known
  const [next] = await hub.clients.list({ limit: 1, ...(clientId && { after: clientId }) })
  return next && hub.clients.find({ id: next.id })
}

function matches(
  client: ClientView,
  { entry, target, dead }: DeadLetter,
  query: Omit<Filter, 'client'>,
): boolean {
  const { id } = parseTarget(target)
  const at = dead.at.getTime()
  const names = [id, toUuid(id), client.webhooks.find((hook) => hook.id === id)?.url]
  const { integrationId } = dead
  const integration = [...client.integrations.values()].find((each) => each.id === integrationId)
  const integrationNames = integrationId ? [integrationId, toUuid(integrationId), integration?.name] : []
  return (
    (query.integration === undefined || integrationNames.includes(query.integration)) &&
    (query.channel === undefined || query.channel === dead.channel) &&
    (query.target === undefined || names.includes(query.target)) &&
    (query.reason === undefined || query.reason === dead.reason) &&
    (query.event === undefined || query.event === eventOf(entry.type)) &&
    (query.since === undefined || at >= Date.parse(query.since)) &&
    (query.until === undefined || at <= Date.parse(query.until))
  )
}

const cursorOf = (clientId: Id | undefined, before: Id | undefined): string =>
  `${clientId ?? ''}.${before ?? ''}`

/** @throws NOT_FOUND */
function parseCursor(text: string | undefined): { clientId?: Id; before?: Id | undefined } {
  if (text === undefined) return {}
  const [clientId = '', before = ''] = text.split('.')
  if (!isId(clientId) || (before !== '' && !isId(before))) throw new PlugboardError('NOT_FOUND', 'Not Found')
  return { clientId, ...(isId(before) && { before }) }
}
