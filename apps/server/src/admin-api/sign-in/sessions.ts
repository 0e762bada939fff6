import { PlugboardError } from '@plugboard/core'
import type { AuditDetails, Hub, Operator, OperatorSession, SessionOwner } from '@plugboard/hub'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ActionLimits } from '../action-limits.js'
import { type Actor, auditedActor } from '../actor.js'
import type { Cookies } from './cookies.js'
import type { OpenLink } from './links.js'

interface Start {
  action: 'session.begin' | 'link.open'
  details?: AuditDetails
  until?: Date
  /** Whether it may still begin. Asked once it can be ended, since whoever ends all sessions may not have seen it. */
  isGood?(): Promise<boolean>
}

/** Begins sessions of the console: with the cookie, and an entry of the audit log. */
export class Sessions {
  readonly #hub: Hub
  readonly #cookies: Cookies
  readonly #limits: Pick<ActionLimits, 'countSession'>

  constructor(hub: Hub, cookies: Cookies, limits: Pick<ActionLimits, 'countSession'>) {
    this.#hub = hub
    this.#cookies = cookies
    this.#limits = limits
  }

  /**
   * Signs an operator in. @throws UNAUTHORIZED if the operator was removed or changed the password in the meantime; RATE_LIMITED
   */
  async ofOperator(
    operator: Operator,
    request: FastifyRequest,
    reply: FastifyReply,
    details?: AuditDetails,
  ): Promise<{ actor: Actor; session: OperatorSession }> {
    const actor = asActor(operator)
    const start: Start = {
      action: 'session.begin',
      ...(details && { details }),
      isGood: () => this.#isAsBefore(operator),
    }
    return { actor, session: await this.#begin({ operatorId: operator.id }, actor, request, reply, start) }
  }

  async #isAsBefore({ id, passwordHash }: Operator): Promise<boolean> {
    const now = await this.#hub.operators.find({ id })
    return now !== undefined && now.passwordHash === passwordHash
  }

  /** Opens the console for the holder of a link to one client. @throws RATE_LIMITED */
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
    { until, isGood, ...entry }: Start,
  ): Promise<OperatorSession> {
    this.#limits.countSession(actor)
    const { ip: from, headers } = request
    const { token, session } = await this.#hub.operatorSessions.begin(owner, {
      ...{ from, userAgent: headers['user-agent'] },
      ...(until && { until }),
    })
    if (isGood && !(await isGood())) {
      await this.#hub.operatorSessions.end(session.id)
      throw new PlugboardError('UNAUTHORIZED', 'the operator was changed meanwhile: sign in again')
    }
    this.#cookies.set(reply, 'session', token, new Date(session.until))
    await this.#record(actor, request, { ...entry, outcome: 'done' })
    return session
  }

  #record(
    actor: Actor,
    { ip: from, id: requestId }: FastifyRequest,
    entry: Omit<Start, 'until' | 'isGood'> & { outcome: 'done' | 'refused' },
  ): Promise<void> {
    return this.#hub.audit.record({
      ...{ ...entry, from, requestId, actor: auditedActor(actor) },
      ...(actor.kind === 'tenant' && { clientId: actor.clientId }),
    })
  }
}

const asActor = ({ id, email, role }: Operator): Actor => ({ kind: 'operator', id, name: email, role })
