import { newId, PlugboardError, toUuid } from '@plugboard/core'
import type { Hub, Operator } from '@plugboard/hub'
import type { FastifyRequest } from 'fastify'
import { recorded } from '../audited-action.js'
import type { Identity } from './oidc.js'

/** How an operator signed in. */
export const WITH_OIDC = { with: 'OpenID Connect' }

/**
 * The operator that an identity is: by its subject, and the first time by its e-mail address, if the provider has checked
 * it. With OIDC_ROLES (`hasRoles`), the provider decides who may sign in and with which role, at each sign-in.
 * @throws FORBIDDEN
 */
export async function operatorFor(
  hub: Pick<Hub, 'operators' | 'audit'>,
  identity: Identity,
  { hasRoles, request }: { hasRoles: boolean; request: FastifyRequest },
): Promise<Operator> {
  const { operators } = hub
  const { subject, email, isVerified, name, role } = identity
  if (hasRoles && !role) throw refused('none of the roles in OIDC_ROLES is yours')
  const known =
    (await operators.findSubject(subject)) ??
    (email !== undefined && isVerified ? await operators.find({ email }) : undefined)
  if (known) {
    assertNobodyElse(known)
    if (known.subject && (!role || role === known.role)) return known
    const details = { email: known.email, ...(role && { role }), ...WITH_OIDC }
    return recorded(
      hub,
      {
        ...{ action: 'operator.update', request, noted: { details } },
        actor: { kind: 'operator', id: known.id, name: known.email },
        target: { operatorId: toUuid(known.id) },
      },
      () =>
        operators.change(known.id, (now) => {
          assertNobodyElse(now)
          return { ...now, subject, ...(role && { role }) }
        }),
    )
  }
  if (email === undefined)
    throw refused('the provider says no e-mail address of yours, or one with other characters than ASCII')
  if (!role)
    throw refused(
      isVerified
        ? `there is no operator with the e-mail address ${email}: ask an administrator to create it`
        : 'the provider does not say that your e-mail address is verified',
    )
  const id = newId()
  return recorded(
    hub,
    {
      ...{ action: 'operator.create', request, actor: { kind: 'operator', id, name: email } },
      noted: { details: { email, role, operatorId: toUuid(id), ...WITH_OIDC } },
    },
    () => operators.create({ id, email, role, subject, ...(name !== undefined && { name }) }),
  )

  /** Two people of the provider may come at the same time. @throws FORBIDDEN */
  function assertNobodyElse({ subject: other }: Pick<Operator, 'subject'>): void {
    if (other && (other.issuer !== subject.issuer || other.id !== subject.id))
      throw refused('another person of the provider already is the operator with your e-mail address')
  }
}

const refused = (reason: string): PlugboardError => new PlugboardError('FORBIDDEN', reason)
