import { type Id, isId, type JsonObject, type Message } from '@plugboard/core'
import {
  type ClientView,
  type ConversationView,
  excerptOf,
  type Hub,
  isFull,
  type Lookups,
  yieldIfBusy,
} from '@plugboard/hub'
import { type JsonText, listText, pagesOf } from '../json-text.js'
import { remembering } from './lookups.js'
import { messageJson, toldOf } from './map-message.js'
import {
  channelOfRequest,
  requestFactsOf,
  requestIdOf,
  requestJson,
  statusOf,
  withLastMessage,
} from './map-request.js'
import type { RequestQuery } from './schemas.js'

/** Default number of requests per page. */
const PER_PAGE = 40
/** Conversations per read. */
const BATCH = 50
/** Conversations of one end user that are looked through. */
const MAX_OWN = 200
/** Messages per read. */
const MESSAGES_AT_ONCE = 100
/** Conversations that are looked through for one page, newest first: older ones need a filter less, or their id. */
const MAX_LOOKED_THROUGH = 10_000

const CLOSED = 1000

/** Whether a request is what a query asks for: open, unless it names a status. */
function isWanted(query: RequestQuery, project: ClientView): (view: ConversationView) => boolean {
  const { status, lead, participant, dept_id, full_text, channel } = query
  const wanted = full_text?.toLowerCase()
  const statuses = status?.split(',').map(Number)
  return (view) => {
    const { agents, firstText = '', given } = requestFactsOf(view.facts)
    const now = statusOf(view)
    if (status === undefined ? now === CLOSED : status !== 'all' && !statuses?.includes(now)) return false
    if (lead !== undefined && view.userId !== lead) return false
    if (participant !== undefined && !agents.some((agent) => agent === participant)) return false
    if (dept_id !== undefined && dept_id !== project.id) return false
    if (channel !== undefined && channel !== channelOfRequest(view)) return false
    const words = `${firstText}\n${given.subject ?? ''}`.toLowerCase()
    return wanted === undefined || words.includes(wanted)
  }
}

/**
 * A page of the project's requests, newest first or (`direction` 1) oldest first. It is printed request by request, and
 * each is looked up for that: what is known of all of them is never in memory.
 */
export async function listRequests(hub: Hub, project: ClientView, query: RequestQuery): Promise<JsonText> {
  const perPage = query.limit || PER_PAGE
  const first = (query.page ?? 0) * perPage
  const accepts = isWanted(await withLead(hub, project, query), project)
  const page: Id[] = []
  let count = 0
  for await (const view of walk(hub, project, query.direction === '1')) {
    if (!accepts(view)) continue
    if (count >= first && page.length < perPage) page.push(view.id)
    count += 1
  }
  const lookups = remembering(hub.lookups(project))
  return requestsText({ perPage, count }, page, async (id) => {
    const view = await lookups.conversation(id)
    return view && requestForStaff(hub, project, view, lookups, 'excerpt')
  })
}

/** A lead may be named by the id of a user that was merged into it. */
async function withLead(hub: Hub, project: ClientView, query: RequestQuery): Promise<RequestQuery> {
  const { lead } = query
  const user = lead !== undefined && isId(lead) ? await hub.users.find(project, lead) : undefined
  return user ? { ...query, lead: user.id } : query
}

/** Requests by their ids; those that were deleted since are left out. */
async function requestsText(
  head: { perPage: number; count: number },
  ids: readonly Id[],
  read: (id: Id) => Promise<JsonObject | undefined>,
): Promise<JsonText> {
  async function* requests(): AsyncGenerator<readonly JsonObject[]> {
    for (const id of ids) {
      const request = await read(id)
      if (request) yield [request]
    }
  }
  const frame = { head: `${JSON.stringify(head).slice(0, -1)},"requests":[`, tail: ']}' }
  return listText(requests(), (request) => JSON.stringify(request), frame)
}

async function* walk(hub: Hub, project: ClientView, isOldestFirst: boolean): AsyncIterable<ConversationView> {
  let last: ConversationView['id'] | undefined
  for (let read = 0; read < MAX_LOOKED_THROUGH; read += BATCH) {
    const from = isOldestFirst ? last && { after: last } : { fromEnd: true, ...(last && { before: last }) }
    const views = await hub.conversations.list(project, { limit: BATCH, ...from })
    if (!isOldestFirst) views.reverse()
    yield* views
    last = views.at(-1)?.id
    if (views.length < BATCH) return
    const turn = yieldIfBusy()
    if (turn) await turn
  }
}

/** The open requests of an end user, newest first. */
export async function listOwn(
  hub: Hub,
  project: ClientView,
  { userId, id }: { userId: Id; id: string },
  query: RequestQuery,
): Promise<JsonText> {
  const { lead: _, ...others } = query
  const accepts = isWanted(others, project)
  const lookups = remembering(hub.lookups(project))
  const own: Id[] = []
  for (const conversation of await hub.conversations.listByUser(project, userId, { limit: MAX_OWN })) {
    const view = await lookups.conversation(conversation.id)
    if (view && accepts(view)) own.push(view.id)
  }
  const perPage = query.limit || PER_PAGE
  return requestsText({ perPage, count: own.length }, own.slice(0, perPage), async (each) => {
    const view = await lookups.conversation(each)
    return view && requestJson(project, view, lookups, { guest: id })
  })
}

/** The newest messages of a request, this many, oldest first: page by page, and never all in memory. */
export async function messagesText(
  hub: Hub,
  project: ClientView,
  view: ConversationView,
  limit: number,
): Promise<JsonText> {
  const lookups = remembering(hub.lookups(project))
  return listText(newestMessages(hub, project, view.id, limit), async (message) =>
    JSON.stringify(await messageJson(project, requestIdOf(view), toldOf(message), lookups)),
  )
}

/** Goes back to the oldest of them first, and then on from there. Where they fit on a page, that is all. */
async function* newestMessages(
  hub: Hub,
  project: ClientView,
  conversationId: Id,
  limit: number,
): AsyncGenerator<readonly Message[]> {
  let newest: Message | undefined
  let oldest: Message[] = []
  const back = pagesOf<Message>(
    async (last, size) => {
      const items = await hub.messages.list(project, conversationId, {
        limit: size,
        ...(last && { before: last.id }),
      })
      return { items, hasMore: isFull(items, size) }
    },
    { pageSize: MESSAGES_AT_ONCE, limit },
  )
  for await (const page of back) {
    newest ??= page[0]
    if (page.length > 0) oldest = page.toReversed()
  }
  for (let page = oldest; page.length > 0; ) {
    yield page
    const last = page.at(-1)
    if (!newest || !last || last.seq >= newest.seq) return
    const { seq } = newest
    const turn = yieldIfBusy()
    if (turn) await turn
    const next = await hub.messages.list(project, conversationId, { after: last.id, limit: MESSAGES_AT_ONCE })
    page = next.reverse().filter((message) => message.seq <= seq)
  }
}

/** A request as those see it who work on it; in a list, with the beginning of its last message. */
export async function requestForStaff(
  hub: Hub,
  project: ClientView,
  view: ConversationView,
  lookups: Lookups,
  lastMessage: 'whole' | 'excerpt' = 'whole',
): Promise<JsonObject> {
  const [request, [newest]] = await Promise.all([
    requestJson(project, view, lookups, 'business'),
    hub.messages.list(project, view.id, { limit: 1 }),
  ])
  const message = newest && (await messageJson(project, requestIdOf(view), toldOf(newest), lookups))
  const text = lastMessage === 'excerpt' &&
    typeof message?.text === 'string' && { text: excerptOf(message.text) }
  return withLastMessage(request, message && { ...message, ...text })
}

/** The messages, one line each. */
export const transcriptOf = (messages: readonly JsonObject[]): string =>
  messages
    .map(({ createdAt, senderFullname, text }) => `[${createdAt}] ${senderFullname}: ${text}`)
    .join('\n')
