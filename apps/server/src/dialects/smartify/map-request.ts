import { type Id, isId, isJsonObject, type JsonObject, toUuid } from '@plugboard/core'
import {
  type ClientView,
  type ConversationFacts,
  type ConversationView,
  excerptOf,
  type Lookups,
  type UserView,
} from '@plugboard/hub'
import { channelNamed } from './map-message.js'
import { agentJson, leadJson, type Reader, requesterJson, wireIdOf } from './map-people.js'
import { EXTERNAL_NAMESPACE, FORMAT_NAME } from './names.js'

/** Requests, as this API calls conversations. */

/** Data of this dialect for a conversation. Absent if another dialect opened it. */
export interface RequestFacts {
  ticketId?: number
  firstText?: string
  channel?: string
  /** The user who opened it, by the id of this API. */
  createdBy?: string
  agents: Id[]
  availableAgents: number
  /** It was the first one of its user. */
  isNewLead: boolean
  /** Data of the opening message that the hub does not use. */
  given: JsonObject
}

const TEXTS = ['firstText', 'channel', 'createdBy'] as const

/** Invalid members are dropped. */
export function requestFactsOf({ dialect }: ConversationFacts): RequestFacts {
  const { ticketId, agents, availableAgents, isNewLead, given, ...own } = dialect?.[FORMAT_NAME] ?? {}
  const facts: RequestFacts = {
    agents: Array.isArray(agents) ? agents.filter((agent) => typeof agent === 'string').filter(isId) : [],
    availableAgents: typeof availableAgents === 'number' ? availableAgents : 0,
    isNewLead: isNewLead === true,
    given: isJsonObject(given) ? given : {},
  }
  if (typeof ticketId === 'number') facts.ticketId = ticketId
  for (const name of TEXTS) {
    const value = own[name]
    if (typeof value === 'string') facts[name] = value
  }
  // Older stores have all of it.
  if (facts.firstText !== undefined) facts.firstText = excerptOf(facts.firstText)
  return facts
}

/** Before the id of a conversation that another dialect or a channel opened. */
const PREFIX = 'support-group-'

/** The id that a caller of this API chose for it. */
const chosenIdOf = ({ facts: { externalId } }: ConversationView): string | undefined =>
  externalId?.namespace === EXTERNAL_NAMESPACE ? externalId.value : undefined

export const hasChosenId = (view: ConversationView): boolean => chosenIdOf(view) !== undefined

export const requestIdOf = (view: ConversationView): string => chosenIdOf(view) ?? PREFIX + toUuid(view.id)

/** The part of a request's id that may be an id of ours. */
export const uuidIn = (requestId: string): string | undefined =>
  requestId.startsWith(PREFIX) ? requestId.slice(PREFIX.length) : undefined

export function channelOfRequest({ endpoints, facts }: ConversationView): string {
  const [first, ...others] = endpoints
  return requestFactsOf(facts).channel ?? channelNamed(others.length === 0 ? first?.channel.name : undefined)
}

const STATUS = { unassigned: 100, assigned: 200, closed: 1000 } as const

export function statusOf({ facts }: ConversationView): number {
  if (facts.closed) return STATUS.closed
  return requestFactsOf(facts).agents.length > 0 ? STATUS.assigned : STATUS.unassigned
}

/** Everybody's: this server knows of one department. */
function departmentJson(project: ClientView): JsonObject {
  const createdAt = project.record.createdAt.toISOString()
  return {
    routing: 'assigned',
    default: true,
    status: 1,
    _id: project.id,
    name: 'Default Department',
    id_project: project.id,
    createdBy: project.id,
    groups: [],
    tags: [],
    createdAt,
    updatedAt: createdAt,
    __v: 0,
    hasBot: false,
    id: project.id,
  }
}

/** The end user of a request; a group has none. */
const userOf = (view: ConversationView, lookups: Pick<Lookups, 'user'>): Promise<UserView | undefined> =>
  view.userId ? lookups.user(view.userId) : Promise.resolve(undefined)

export async function requestJson(
  project: ClientView,
  view: ConversationView,
  lookups: Pick<Lookups, 'user' | 'person'>,
  reader: Reader,
): Promise<JsonObject> {
  const { ticketId, firstText, agents, availableAgents, createdBy, given } = requestFactsOf(view.facts)
  const user = await userOf(view, lookups)
  const people = (await Promise.all(agents.map((agent) => lookups.person(agent)))).filter(
    (person) => person !== undefined,
  )
  // Anyone who knows its id can write, but cannot read messages of others.
  const isParty = reader === 'business' || (user && wireIdOf(user) === reader.guest)
  const channel = { name: channelOfRequest(view) }
  const createdAt = view.createdAt.toISOString()
  const assignedAt = agents.length > 0 && createdAt
  const department = departmentJson(project)
  const card: JsonObject = user
    ? { requester: requesterJson(project, user), lead: leadJson(project, user, reader) }
    : {}
  return {
    preflight: false,
    priority: 'medium',
    followers: [],
    ...(isParty && given),
    status: statusOf(view),
    hasBot: false,
    participants: agents,
    participantsAgents: agents,
    participantsBots: [],
    _id: view.id,
    request_id: requestIdOf(view),
    ...card,
    first_text: isParty ? (firstText ?? '') : '',
    department,
    ...(assignedAt && { assigned_at: assignedAt }),
    id_project: project.id,
    createdBy: createdBy ?? (user ? wireIdOf(user) : project.id),
    channel,
    tags: [],
    notes: [],
    createdAt,
    snapshot: { department, availableAgentsCount: availableAgents, ...card, agents: [] },
    channelOutbound: channel,
    smartAssignment: true,
    updatedAt: (view.lastMessageAt ?? view.createdAt).toISOString(),
    ...(ticketId !== undefined && { ticket_id: ticketId }),
    __v: 0,
    ...(user && { requester_id: user.id }),
    ...closingOf(view),
    participatingAgents: people.map((person) => agentJson(person, reader)),
    participatingBots: [],
    id: view.id,
  }
}

function closingOf({ facts: { closed }, createdAt }: ConversationView): JsonObject {
  if (!closed) return {}
  const { at, by } = closed
  return {
    closed_at: at,
    ...(by !== undefined && { closed_by: by }),
    duration: Math.max(0, Date.parse(at) - createdAt.getTime()),
  }
}

/** The request with the newest message among its attributes, as those see it who work on it. */
export function withLastMessage(request: JsonObject, message: JsonObject | undefined): JsonObject {
  if (!message) return request
  const { attributes } = request
  const own = typeof attributes === 'object' && !Array.isArray(attributes) ? attributes : {}
  return { ...request, attributes: { ...own, last_message: message } }
}

/** The agents that a caller names, as far as they are of the project, or else the one whose turn it is. */
export function agentsFor(people: readonly { id: Id }[], ticketId: number, named: readonly string[]): Id[] {
  const wanted = people.filter((person) => named.includes(person.id))
  const next = people[(ticketId - 1) % Math.max(1, people.length)]
  return wanted.length > 0 ? wanted.map((person) => person.id) : next ? [next.id] : []
}
