import type { AuditDetails, Hub, Operator, OperatorSession, SessionOwner } from '@plugboard/hub'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Actor, auditedActor } from './actor.js'
import type { Cookies } from './cookies.js'
import type { OpenLink } from './links.js'

interface Start {
  action: 'session.begin' | 'link.open'
  details?: AuditDetails
  until?: Date
}

/** Begins sessions of the console: with the cookie, and an entry of the audit log. */
export class Sessions {
  readonly #hub: Hub
  readonly #cookies: Cookies

  constructor(hub: Hub, cookies: Cookies) {
    this.#hub = hub
    this.#cookies = cookies
  }

  /** Signs an operator in. */
  async ofOperator(
    operator: Operator,
    request: FastifyRequest,
    reply: FastifyReply,
    details?: AuditDetails,
  ): Promise<{ actor: Actor; session: OperatorSession }> {
    const actor = asActor(operator)
    const start = { action: 'session.begin', ...(details && { details }) } as const
    return { actor, session: await this.#begin({ operatorId: operator.id }, actor, request, reply, start) }
  }

  /** Opens the console for the holder of a link to one client. */
  async ofLink(
    { id, clientId, role, name, expiresAt: until }: Extract<OpenLink, { use: 'client' }>,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<{ actor: Actor; session: OperatorSession }> {
    const actor: Actor = { kind: 'tenant', id, name, role, clientId }
    const owner = { clientId, role, linkId: id, name }
    return { actor, session: await this.#begin(owner, actor, request, reply, { action: 'link.open', until }) }
  }

  /** Writes a sign-in that was refused to the audit log, in the background. */
  refused(operator: Operator, request: FastifyRequest): void {
    this.#record(asActor(operator), request, { action: 'session.begin', outcome: 'refused' }).catch((err) =>
      request.log.error({ err, reqId: request.id }, 'cannot write to the audit log'),
    )
  }

  async #begin(
    owner: SessionOwner,
    actor: Actor,
    request: FastifyRequest,
    reply: FastifyReply,
    { until, ...entry }: Start,
  ): Promise<OperatorSession> {
    const { ip: from, headers } = request
    const { token, session } = await this.#hub.operatorSessions.begin(owner, {
      ...{ from, userAgent: headers['user-agent'] },
      ...(until && { until }),
    })
    this.#cookies.set(reply, 'session', token, new Date(session.until))
    await this.#record(actor, request, { ...entry, outcome: 'done' })
    return session
  }

  #record(
    actor: Actor,
    { ip: from, id: requestId }: FastifyRequest,
    entry: Omit<Start, 'until'> & { outcome: 'done' | 'refused' },
  ): Promise<void> {
    return this.#hub.audit.record({
      ...{ ...entry, from, requestId, actor: auditedActor(actor) },
      ...(actor.kind === 'tenant' && { clientId: actor.clientId }),
    })
  }
}

const asActor = ({ id, email, role }: Operator): Actor => ({ kind: 'operator', id, name: email, role })
