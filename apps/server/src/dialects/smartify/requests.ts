import {
  fromUuid,
  type Id,
  isPlugboardError,
  jsonObjectOf,
  type Message,
  PlugboardError,
  truncate,
} from '@plugboard/core'
import {
  type ClientView,
  type ConversationView,
  excerptOf,
  type Hub,
  type UserFacts,
  type UserView,
} from '@plugboard/hub'
import { orNone } from './lookups.js'
import { payloadOf } from './map-content.js'
import { agentsFor, hasChosenId, type RequestFacts, uuidIn } from './map-request.js'
import { DEFAULT_CHANNEL, EXTERNAL_NAMESPACE } from './names.js'
import type { Party } from './roles.js'
import type { MessageBody } from './schemas.js'
import type { Speaker } from './speaker.js'

/** The series that tickets are numbered in. */
const TICKETS = 'ticket'

/** Data of a message to post. */
export interface NewMessage {
  /** Chosen before, so that a repetition answers the same message. */
  id: Id
  requestId: string
  body: MessageBody
  speaker: Speaker
  /** The caller, who may differ from the author. */
  by: Party
}

/** Requests by the id that their opener chose; the first message to one opens it. */
export class Requests {
  readonly #hub: Hub
  /** Requests that are being opened, by project and id. */
  readonly #opening = new Map<string, Promise<unknown>>()

  constructor(hub: Hub) {
    this.#hub = hub
  }

  /** Undefined when there is none. */
  async #find(project: ClientView, requestId: string): Promise<ConversationView | undefined> {
    const { conversations } = this.#hub
    const own = await orNone(
      conversations.getExternal(project, { namespace: EXTERNAL_NAMESPACE, value: requestId }),
    )
    if (own) return own
    const id = idIn(requestId)
    const other = id && (await orNone(conversations.view(project, id)))
    // One with a chosen id has no other name.
    return other && hasChosenId(other) ? undefined : other
  }

  /**
   * A request that the caller may read: an end user reads what they take part in.
   * @throws NOT_FOUND, also for what is there and not theirs
   */
  async get(project: ClientView, requestId: string, by: Party): Promise<ConversationView> {
    const view = await this.#find(project, requestId)
    if (!view || !this.#isParty(view, by)) throw notFound()
    return view
  }

  #isParty(view: ConversationView, by: Party): boolean {
    return by === 'business' || this.#hub.participants.of(view).some(({ userId }) => userId === by.userId)
  }

  /**
   * Posts a message, and opens the request with it when there is none. Of several first messages one opens it, and the
   * others come after that one's. An end user writes where they take part, and to any request whose id was chosen: our
   * own ids are guessable, and so they are no proof of anything and open nothing.
   * @throws INVALID for a first message that says nothing; NOT_FOUND, also for what is there and not for them
   */
  async post(project: ClientView, message: NewMessage): Promise<Message> {
    const { requestId } = message
    const externalId = { namespace: EXTERNAL_NAMESPACE, value: requestId }
    const known = this.#hub.conversations.recall(project, externalId)
    const posted = known && (await orNone(this.#write(project, known, message)))
    if (posted) return posted
    const place = `${project.id} ${requestId}`
    for (;;) {
      const opening = this.#opening.get(place)
      if (!opening) break
      await opening.catch(() => undefined)
    }
    const work = this.#open(project, message)
    this.#opening.set(place, work)
    try {
      return await work
    } finally {
      this.#opening.delete(place)
    }
  }

  async #open(project: ClientView, message: NewMessage): Promise<Message> {
    const { requestId, body, by } = message
    const found = await this.#find(project, requestId)
    if (found ? !hasChosenId(found) && !this.#isParty(found, by) : idIn(requestId)) throw notFound()
    if (found) return this.#write(project, found.id, message)
    if (!body.text && (body.type ?? 'text') === 'text')
      throw new PlugboardError('INVALID', 'text field is required')
    const externalId = { namespace: EXTERNAL_NAMESPACE, value: requestId }
    const { id } = await this.#hub.conversations.open(project, externalId, () =>
      this.#opened(project, message),
    )
    return this.#write(project, id, message)
  }

  /** Data of a new request. */
  async #opened(project: ClientView, { body, speaker }: NewMessage) {
    const { conversations, accounts } = this.#hub
    const userId = await this.#leadOf(project, speaker)
    const [people, others, ticketId] = await Promise.all([
      accounts.listPeople(project.id),
      conversations.listByUser(project, userId, { limit: 1 }),
      conversations.nextNumber(project, TICKETS),
    ])
    const facts: RequestFacts = {
      ticketId,
      firstText: excerptOf(body.text ?? ''),
      channel: body.channel?.name ?? DEFAULT_CHANNEL,
      createdBy: speaker.id,
      agents: agentsFor(people, ticketId, body.participants ?? []),
      availableAgents: people.length,
      isNewLead: others.length === 0,
      given: givenIn(body),
    }
    return { userId, facts: { dialect: { smartify: jsonObjectOf(facts) } } }
  }

  /** An end user leads their own request; who opens one for the business becomes the lead of it. */
  async #leadOf(project: ClientView, speaker: Speaker): Promise<Id> {
    if (speaker.author !== 'business') return speaker.author.userId
    const facts = { givenName: speaker.name, ...(speaker.email !== undefined && { email: speaker.email }) }
    return (await this.findOrMakeUser(project, speaker.id, facts)).id
  }

  /** The user with this id of this API's. */
  async findOrMakeUser(
    project: ClientView,
    value: string,
    facts: Omit<UserFacts, 'externalId'>,
  ): Promise<UserView> {
    const { users } = this.#hub
    const externalId = { namespace: EXTERNAL_NAMESPACE, value }
    const known = await orNone(users.getExternal(project, externalId))
    if (known) return known
    try {
      return await users.create(project, { facts: { ...facts, externalId } })
    } catch (error) {
      if (!isPlugboardError(error, 'CONFLICT')) throw error
      return users.getExternal(project, externalId)
    }
  }

  #write(project: ClientView, conversationId: Id, { id, body, speaker, by }: NewMessage): Promise<Message> {
    const { type = 'text', text, metadata, attributes, language, channel } = body
    // An end user could pass for another.
    const name = by === 'business' ? (body.senderFullname ?? speaker.name) : speaker.name
    const isPlain = type === 'text' && metadata === undefined && attributes === undefined
    return this.#hub.messages.post(project, {
      id,
      conversationId,
      author: speaker.author,
      payload: payloadOf({
        type,
        ...(text !== undefined && { text }),
        ...(metadata && { metadata }),
        ...(attributes && { attributes }),
      }),
      details: {
        author: { ...speaker.shownAs, name },
        dialect: {
          smartify: {
            sender: speaker.id,
            ...(speaker.spokenBy !== undefined && { createdBy: speaker.spokenBy }),
            ...(!isPlain && { type, text: text ?? '' }),
            ...(metadata && { metadata }),
            ...(attributes && { attributes }),
            ...(language !== undefined && { language }),
            ...(channel && { channel: channel.name }),
          },
        },
      },
    })
  }
}

/** The id of ours that a request's id stands for. Nobody chooses such a one: it is, or becomes, another's name. */
const idIn = (requestId: string): Id | undefined => fromUuid(uuidIn(requestId) ?? '')

const notFound = (): PlugboardError => new PlugboardError('NOT_FOUND', 'request not found')

/** Maximum length of a stored page address. Addresses that browsers send are shorter. */
const MAX_SOURCE_PAGE = 2_048

/** Data of only the opening message. Long texts are cut, because each list of requests repeats them. */
function givenIn(body: MessageBody): RequestFacts['given'] {
  const { departmentid, sourcePage, userAgent, subject, preflight, location, priority, followers } = body
  const { language, attributes } = body
  return jsonObjectOf({
    ...{ departmentid, preflight, location, priority, followers, language, attributes },
    ...(sourcePage !== undefined && { sourcePage: truncate(sourcePage, MAX_SOURCE_PAGE) }),
    ...(userAgent !== undefined && { userAgent: excerptOf(userAgent) }),
    ...(subject !== undefined && { subject: excerptOf(subject) }),
  })
}
