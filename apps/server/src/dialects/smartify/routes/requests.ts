import { hash } from 'node:crypto'
import { type Id, isStorable, newId, PlugboardError } from '@plugboard/core'
import type { ClientView, Hub } from '@plugboard/hub'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { GuestLimits } from '../../guest-limits.js'
import type { Credentials } from '../credentials.js'
import { roleTooLow } from '../errors.js'
import { listOwn, listRequests, messagesText, requestForStaff, transcriptOf } from '../lists.js'
import { remembering } from '../lookups.js'
import { messageJson, toldOf } from '../map-message.js'
import type { Reader } from '../map-people.js'
import { requestFactsOf, requestJson } from '../map-request.js'
import type { Requests } from '../requests.js'
import { type Caller, isEnough, partyOf, type Role } from '../roles.js'
import { projectRoutes } from '../route.js'
import { messageBody, messageQuery, requestParams, requestQuery } from '../schemas.js'
import { callerId, speakerOf } from '../speaker.js'

/** Messages of a request in a list; in a transcript, as many of them as fit on one page of the store. */
const MAX_MESSAGES = 1_000

const MAX_KEY = 255

/** Requests and their messages. */
export function requestRoutes(
  app: FastifyInstance,
  {
    hub,
    credentials,
    requests,
    limits,
  }: { hub: Hub; credentials: Credentials; requests: Requests; limits: GuestLimits },
): void {
  const define = projectRoutes(app, hub, credentials)

  define({
    method: 'POST',
    path: '/requests/:requestId/messages',
    operationId: 'smartifyPostMessage',
    takesKey: true,
    summary: 'Post a message; the first one opens the request',
    asks: 'guest',
    params: requestParams,
    body: messageBody,
    admit: (caller, request) => {
      if (caller.kind === 'guest') limits.admit(caller.id, Number(request.headers['content-length'] ?? 0))
    },
    handle: async ({ project, caller, role, params: { requestId }, body, request }) => {
      // A body that came in chunks did not say how large it is.
      if (caller.kind === 'guest' && request.headers['content-length'] === undefined)
        limits.spend(caller.id, Buffer.byteLength(JSON.stringify(request.body)))
      const speaker = await speakerOf(hub, { project, caller, role }, body.sender)
      const message = await once(hub, project, request, `${requestId} ${speaker.id}`, (id) =>
        requests.post(project, { id, requestId, body, speaker, by: partyOf(caller) }),
      )
      const lookups = hub.lookups(project)
      const [view, said] = await Promise.all([
        hub.conversations.view(project, message.conversationId),
        messageJson(project, requestId, toldOf(message), lookups),
      ])
      return { ...said, request: await requestJson(project, view, lookups, readerOf(caller)) }
    },
  })

  define({
    method: 'GET',
    path: '/requests/:requestId/messages',
    operationId: 'smartifyListMessages',
    isList: true,
    summary: 'List the messages of a request, oldest first',
    asks: 'guest',
    params: requestParams,
    query: messageQuery,
    handle: async ({ project, caller, params, query }) => {
      const view = await requests.get(project, params.requestId, partyOf(caller))
      return messagesText(hub, project, view, query.limit || MAX_MESSAGES)
    },
  })

  define({
    method: 'GET',
    path: '/requests',
    operationId: 'smartifyListRequests',
    isList: true,
    summary: 'List the requests of the project; by default the open ones',
    asks: 'agent',
    query: requestQuery,
    handle: ({ project, query }) => listRequests(hub, project, query),
  })

  define({
    method: 'GET',
    path: '/requests/me',
    operationId: 'smartifyListOwnRequests',
    isList: true,
    summary: "The caller's own open requests",
    asks: 'guest',
    query: requestQuery,
    handle: async ({ project, caller, query }) => {
      if (caller.kind !== 'guest' && caller.kind !== 'user')
        return listRequests(hub, project, { ...query, participant: callerId(caller) })
      const { userId, id } = caller
      if (!userId) throw roleTooLow()
      return listOwn(hub, project, { userId, id }, query)
    },
  })

  define({
    method: 'GET',
    path: '/requests/:requestId',
    operationId: 'smartifyGetRequest',
    summary: 'Get a request',
    asks: 'agent',
    params: requestParams,
    handle: async ({ project, params }) => {
      const view = await requests.get(project, params.requestId, 'business')
      return requestForStaff(hub, project, view, hub.lookups(project))
    },
  })

  define({
    method: 'PUT',
    path: '/requests/:requestId/close',
    operationId: 'smartifyCloseRequest',
    isList: true,
    summary: 'Close a request; only for its agents and for admins',
    asks: 'agent',
    params: requestParams,
    handle: async ({ project, caller, role, params }) => {
      const { id, facts } = await requests.get(project, params.requestId, 'business')
      assertMayClose(caller, role, requestFactsOf(facts).agents)
      const closed = await hub.conversations.close(project, id, callerId(caller))
      const lookups = remembering(hub.lookups(project))
      const request = await requestForStaff(hub, project, closed, lookups)
      const messages = await hub.messages.list(project, id, { limit: MAX_MESSAGES })
      const told = messages.reverse().map(toldOf)
      const said = await Promise.all(
        told.map((each) => messageJson(project, params.requestId, each, lookups)),
      )
      return { ...request, transcript: transcriptOf(said) }
    },
  })
}

const readerOf = (caller: Caller): Reader =>
  caller.kind === 'guest' || caller.kind === 'user' ? { guest: caller.id } : 'business'

/** @throws FORBIDDEN */
function assertMayClose(caller: Caller, role: Role, agents: readonly Id[]): void {
  const isAgent = caller.kind === 'person' && agents.includes(caller.person.id)
  if (!isAgent && !isEnough(role, 'admin')) throw roleTooLow()
}

/**
 * Posts once for each `Idempotency-Key` that a sender has, so that a bridge may repeat what it had no answer to. Not
 * the peer's, whose senders have no such way.
 */
function once<T>(
  hub: Hub,
  project: ClientView,
  { headers, body }: FastifyRequest,
  place: string,
  make: (id: Id) => Promise<T>,
): Promise<T> {
  const key = headers['idempotency-key']
  if (key === undefined) return make(newId())
  if (typeof key !== 'string' || key === '' || key.length > MAX_KEY || !isStorable(key))
    throw new PlugboardError('INVALID', `Idempotency-Key must have 1 to ${MAX_KEY} characters`)
  const route = `smartify ${hash('sha256', place)}`
  return hub.idempotency.run(project, { route, key, body: JSON.stringify(body ?? {}) }, make)
}
