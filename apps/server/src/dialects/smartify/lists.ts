import type { JsonObject } from '@plugboard/core'
import type { ClientView, ConversationView, Hub, Look } from '@plugboard/hub'
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

/** Requests on a page where the query does not say. */
const PER_PAGE = 40
/** Conversations read at once. */
const BATCH = 200
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

/** A page of the project's requests, newest first or (`direction` 1) oldest first. */
export async function listRequests(hub: Hub, project: ClientView, query: RequestQuery): Promise<JsonObject> {
  const perPage = query.limit || PER_PAGE
  const first = (query.page ?? 0) * perPage
  const accepts = isWanted(query, project)
  const page: ConversationView[] = []
  let count = 0
  for await (const view of walk(hub, project, query.direction === '1')) {
    if (!accepts(view)) continue
    if (count >= first && page.length < perPage) page.push(view)
    count += 1
  }
  const look = hub.look(project)
  const requests = await Promise.all(page.map((view) => requestForStaff(hub, project, view, look)))
  return { perPage, count, requests }
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
  }
}

/** The open requests of an end user, newest first. */
export async function listOwn(
  hub: Hub,
  project: ClientView,
  { userId, id }: { userId: ConversationView['id']; id: string },
  query: RequestQuery,
): Promise<JsonObject> {
  const conversations = await hub.conversations.listByUser(project, userId, { limit: BATCH })
  const views = await Promise.all(conversations.map((each) => hub.look(project).conversation(each.id)))
  const { lead: _, ...others } = query
  const accepts = isWanted(others, project)
  const own = views.filter((view) => view !== undefined).filter(accepts)
  const perPage = query.limit || PER_PAGE
  const look = hub.look(project)
  const requests = await Promise.all(
    own.slice(0, perPage).map((view) => requestJson(project, view, look, { guest: id })),
  )
  return { perPage, count: own.length, requests }
}

/** A request as those see it who work on it. */
export async function requestForStaff(
  hub: Hub,
  project: ClientView,
  view: ConversationView,
  look: Look,
): Promise<JsonObject> {
  const [request, [newest]] = await Promise.all([
    requestJson(project, view, look, 'business'),
    hub.messages.list(project, view.id, { limit: 1 }),
  ])
  const message = newest && (await messageJson(project, requestIdOf(view), toldOf(newest), look))
  return withLastMessage(request, message)
}

/** What was said, a line for each message. */
export const transcriptOf = (messages: readonly JsonObject[]): string =>
  messages
    .map(({ createdAt, senderFullname, text }) => `[${createdAt}] ${senderFullname}: ${text}`)
    .join('\n')
